/* recordings.js - what was recorded: listen, take away, delete. */
import { attempt, fill, h, openForm, toast } from './dom.js';
import { icon } from './icons.js';
import { ask, get, mayControl, Unreachable } from './api.js';
import { Stream } from './stream.js';
import { showConnection } from './banner.js';
import { dayWords, lengthWords, sizeWords } from './words.js';

/** @typedef {import('./types').Recording} Recording */
/** @typedef {import('./types').View} View */

const states = /** @type {Record<string, string>} */ ({
	running: 'running', paused: 'paused', finished: '', failed: 'failed', cut: 'cut off: the server died meanwhile',
});

export class Recordings {
	/** @param {string} [room] */
	constructor(room) {
		this.room = room;
		/** @type {string} */
		this.known = '';
		this.empty = h('p', { class: 'empty', hidden: true }, room ? 'Nothing was recorded in this room yet.' : 'There are no recordings yet.');
		this.list = h('ul', { class: 'recordings', role: 'list', 'aria-label': 'Recordings' });
		this.el = h('div', {}, this.list, this.empty);
	}

	async look() {
		const query = this.room ? `?room=${encodeURIComponent(this.room)}` : '';
		const { recordings } = await get(`recordings${query}`);
		// Somebody may be listening: what is as it was stays as it is.
		const text = JSON.stringify(recordings);
		if (text === this.known)
			return;
		this.known = text;
		this.draw(recordings);
	}

	/** @param {Recording[]} recordings */
	draw(recordings) {
		this.empty.hidden = recordings.length > 0;
		const keep = new Map([...this.list.children].map((li) => [/** @type {HTMLElement} */ (li).dataset.state, li]));
		const lines = recordings.map((r) => keep.get(JSON.stringify(r)) ?? this.line(r));
		for (const li of [...this.list.children])
			if (!lines.includes(li))
				li.remove();
		lines.forEach((li, i) => {
			if (this.list.children[i] !== li)
				this.list.insertBefore(li, this.list.children[i] ?? null);
		});
	}

	/** @param {Recording} r */
	line(r) {
		const end = r.end_ms ?? 0;
		const over = end > 0;
		const state = states[r.state] ?? r.state;
		const files = h('div', { class: 'files' });
		const el = h('li', { class: 'card recording-line', 'data-state': JSON.stringify(r) },
			h('div', { class: 'recording-head' },
				h('h2', {}, !this.room && h('span', { class: 'room-name' }, r.room), ' ', h('time', { datetime: new Date(r.start_ms).toISOString() }, dayWords(r.start_ms))),
				h('span', { class: 'user' }, [over && lengthWords(end - r.start_ms), over && sizeWords(r.bytes), r.by && `by ${r.by}`]
					.filter(Boolean).join(' · ')),
				state && h('span', { class: `tag ${r.state === 'running' ? 'recording' : r.state === 'paused' ? '' : 'attention'}` },
					r.state === 'running' && icon('record'), state),
				over && mayControl() && h('button', { type: 'button', class: 'icon', 'aria-label': `Delete the recording of ${r.room}, ${dayWords(r.start_ms)}`,
					title: 'Delete', onclick: () => this.deleteForm(r) }, icon('bin'))),
			files);
		if (over)
			this.files(files, r);
		return el;
	}

	/** @param {HTMLElement} el @param {Recording} r */
	files(el, r) {
		const names = r.files.map((f) => f.name);
		const href = (/** @type {string} */ n) => `/api/v1/recordings/${encodeURIComponent(r.id)}/files/${encodeURIComponent(n)}`;
		const mix = names.find((n) => /^mix\.(opus|ogg|flac|wav)$/.test(n));
		const rest = names.filter((n) => n !== mix);
		fill(el,
			mix && h('audio', { controls: true, preload: 'none', src: href(mix), 'aria-label': `Recording of ${r.room}, ${dayWords(r.start_ms)}` }),
			mix && h('a', { class: 'button', href: href(mix), download: `${r.room}-${r.id}-${mix}` }, icon('download'), mix),
			rest.length > 0 && h('details', {}, h('summary', {}, `${rest.length} more files: tracks and list`),
				h('ul', { role: 'list' }, rest.map((n) =>
					h('li', {}, h('a', { href: href(n), download: `${r.room}-${r.id}-${n}` }, n))))));
	}

	/** @param {Recording} r */
	deleteForm(r) {
		openForm('Delete the recording?', [h('p', {}, `${r.room}, ${dayWords(r.start_ms)}. It cannot be brought back.`)], 'Delete', async () => {
			await ask('DELETE', `recordings/${encodeURIComponent(r.id)}`);
			toast('The recording is deleted.');
			await this.look();
		}, { danger: true });
	}
}

/** @returns {View} */
export function recordingsView() {
	const recordings = new Recordings();
	const el = h('div', {}, h('div', { class: 'page-head' }, h('h1', { tabindex: '-1' }, 'Recordings')), recordings.el);
	const look = () => recordings.look().catch((e) => {
		if (e instanceof Unreachable)
			stream.suspect();
		else
			void attempt(Promise.reject(e));
	});
	const stream = new Stream({
		fresh: () => void look(),
		event: (e) => {
			if (e.detail.startsWith('recording-'))
				void look();
		},
		state: (s, at) => showConnection(s, at, () => stream.retry()),
	});
	return { el, title: 'Recordings', end: () => stream.end() };
}
