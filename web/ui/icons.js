/* icons.js - the page's signs: lines on a field of 24 by 24, drawn in the colour of the text. */

/** @type {Record<string, string[]>} */
const drawings = {
	mic: ['M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3z', 'M6 11a6 6 0 0 0 12 0', 'M12 17v4'],
	micOff: ['M9 9v2a3 3 0 0 0 4.5 2.6', 'M15 10V6a3 3 0 0 0-5.7-1.3', 'M6 11a6 6 0 0 0 9.2 5', 'M18 11a6 6 0 0 1-.5 2.4', 'M12 17v4',
		'M4 3l16 18'],
	hand: ['M7 12V6.5a1.5 1.5 0 0 1 3 0V11', 'M10 11V4.5a1.5 1.5 0 0 1 3 0V11', 'M13 11V6a1.5 1.5 0 0 1 3 0v6',
		'M16 12v-2.5a1.5 1.5 0 0 1 3 0V15a6 6 0 0 1-6 6h-1a6 6 0 0 1-5-2.7L4 14.5a1.5 1.5 0 0 1 2.4-1.8L8 14.5'],
	lock: ['M6 11h12v9H6z', 'M8.5 11V8a3.5 3.5 0 0 1 7 0v3'],
	unlock: ['M6 11h12v9H6z', 'M8.5 11V8a3.5 3.5 0 0 1 6.7-1.4'],
	record: ['M12 7a5 5 0 1 0 0 10a5 5 0 0 0 0-10z'],
	pause: ['M9 6v12', 'M15 6v12'],
	stop: ['M7 7h10v10H7z'],
	beat: ['M9 4h6l3 16H6z', 'M12 16l5-9', 'M7 16h10'],
	call: ['M6.5 4h3l1.5 4-2 1.5a10 10 0 0 0 5.5 5.5l1.5-2 4 1.5v3a2 2 0 0 1-2 2A15.5 15.5 0 0 1 4.5 6a2 2 0 0 1 2-2z'],
	hangUp: ['M3.5 13.5c0-6 17-6 17 0v1.5l-4.5 1v-3a12 12 0 0 0-8 0v3l-4.5-1z'],
	more: ['M6 12h.01', 'M12 12h.01', 'M18 12h.01'],
	back: ['M14 6l-6 6 6 6'],
	download: ['M12 4v11', 'M7.5 11l4.5 4.5 4.5-4.5', 'M5 20h14'],
	speak: ['M4 10v4h3l7 4V6l-7 4H4z', 'M17.5 9a4 4 0 0 1 0 6'],
	deaf: ['M4 10v4h3l7 4V6l-7 4H4z', 'M17 10l4 4', 'M21 10l-4 4'],
	away: ['M10 8a3 3 0 1 0 0-.01', 'M4 19a6 6 0 0 1 12 0', 'M17 8l4 4', 'M21 8l-4 4'],
	star: ['M12 4l2.4 5 5.6.7-4.1 3.8 1.1 5.5-5-2.8-5 2.8 1.1-5.5L4 9.7 9.6 9z'],
	plus: ['M12 5v14', 'M5 12h14'],
	sun: ['M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8z', 'M12 2v2', 'M12 20v2', 'M2 12h2', 'M20 12h2', 'M5 5l1.4 1.4', 'M17.6 17.6L19 19',
		'M19 5l-1.4 1.4', 'M6.4 17.6L5 19'],
	moon: ['M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z'],
	auto: ['M12 4a8 8 0 1 0 0 16a8 8 0 0 0 0-16z', 'M12 4v16', 'M12 8h5', 'M12 12h8', 'M12 16h5'],
	check: ['M5 12.5l4.5 4.5L19 7.5'],
	cross: ['M6 6l12 12', 'M18 6L6 18'],
	bin: ['M5 7h14', 'M9 7V4.5h6V7', 'M7 7l1 13h8l1-13'],
};

/** @param {string} name @returns {SVGSVGElement} */
export function icon(name) {
	const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
	svg.setAttribute('viewBox', '0 0 24 24');
	svg.setAttribute('class', `sign sign-${name}`);
	svg.setAttribute('aria-hidden', 'true');
	for (const d of drawings[name] ?? []) {
		const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
		path.setAttribute('d', d);
		svg.append(path);
	}
	return svg;
}
