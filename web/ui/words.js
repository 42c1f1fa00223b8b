/* words.js - numbers, times and names as a person reads them. */

/** @param {number} db */
export function gainWords(db) {
	const whole = Math.abs(db - Math.round(db)) < 0.05;
	const text = whole ? String(Math.abs(Math.round(db))) : Math.abs(db).toFixed(1);
	return `${db > 0.04 ? '+' : db < -0.04 ? '−' : ''}${text} dB`;
}

/** @param {number} pan */
export function panWords(pan) {
	const percent = Math.round(Math.abs(pan) * 100);
	return percent === 0 ? 'centre' : `${percent} % ${pan < 0 ? 'left' : 'right'}`;
}

/** @param {number} ms */
export function lengthWords(ms) {
	const s = Math.max(0, Math.round(ms / 1000));
	const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
	return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`
		: `${Math.floor(s / 60)}:${two(s % 60)}`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** @param {number} ms */
export function clockWords(ms) {
	return clock.format(new Date(ms));
}

/** @param {number} ms */
export function dayWords(ms) {
	return day.format(new Date(ms));
}

/** @param {number} bytes */
export function sizeWords(bytes) {
	const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
	let n = bytes;
	let unit = 0;
	while (n >= 1000 && unit < units.length - 1) {
		n /= 1000;
		unit++;
	}
	return `${unit && n < 100 ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}

/** @param {number} n @param {string} one @param {string} [many] */
export function countWords(n, one, many) {
	return `${n} ${n === 1 ? one : (many ?? `${one}s`)}`;
}

/** What to call a member: its name, or the user of its address. @param {{ name: string, uri: string, id: number }} m */
export function nameOf(m) {
	return m.name || userOf(m.uri) || `member ${m.id}`;
}

/** @param {string} uri */
export function userOf(uri) {
	const bare = uri.replace(/^sips?:/, '');
	return bare.includes('@') ? bare.slice(0, bare.indexOf('@')) : bare;
}

/** @param {string} name */
export function initialsOf(name) {
	const words = name.split(/[\s._-]+/u).filter(Boolean);
	const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0] ?? '?'];
	return letters.map((w) => [...(w ?? '?')][0] ?? '?').join('').toUpperCase();
}
