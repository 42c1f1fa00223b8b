/* matrix.js - who hears whom how loud and where: one line a listener, one column a source.
 *
 * A table with one stop of the Tab key; arrows go from cell to cell, plus and minus change the gain, < and > the place,
 * Delete makes it the same as for all. Above it two sliders for the chosen cell. What is drawn strong differs from what
 * all hear. */
import { attempt, fill, h, setAttr, setText } from './dom.js';
import { gainFader, panFader } from './fader.js';
import { get, Latest, mayControl, memberVerb, roomPath } from './api.js';
import { gainWords, nameOf, panWords } from './words.js';

/** @typedef {import('./types').Member} Member */
/** @typedef {import('./roomstate.js').RoomState} RoomState */
/** @typedef {{ gain: number, pan: number | null }} Cell  pan null: where all hear it */

const PAN_SAME = 2;
const SILENT_DB = -60;
const LOOK_MS = 3000;

/** @param {number} db */
function viewWords(db) {
	return db <= SILENT_DB ? 'off' : gainWords(db);
}

export class Matrix {
	/** @param {RoomState} state */
	constructor(state) {
		this.state = state;
		/** @type {Map<string, Cell>} */
		this.cells = new Map();
		/** @type {Map<string, HTMLElement>} */
		this.drawn = new Map();
		/** @type {Map<string, number>} when a hand last changed it */
		this.touched = new Map();
		/** @type {Map<string, Latest<Cell>>} */
		this.senders = new Map();
		/** @type {number[]} */
		this.ids = [];
		this.listener = 0;
		this.source = 0;
		this.timer = 0;
		this.ended = false;
		this.table = h('table', { class: 'matrix', role: 'grid', 'aria-label': 'Monitor mixes: a line for each listener, a column for each source',
			onkeydown: (/** @type {KeyboardEvent} */ e) => this.key(e), onclick: (/** @type {Event} */ e) => this.click(e) });
		this.gain = gainFader('Gain', (v) => this.send({ gain: v }), viewWords);
		this.pan = panFader('Place', (v) => this.send({ pan: Math.round(v * 100) / 100 }));
		this.title = h('h2', { id: 'matrix-title' });
		this.reset = h('button', { type: 'button', onclick: () => attempt(this.send({ gain: 0, pan: null })) }, 'Same as for all');
		this.solo = h('button', { type: 'button', onclick: () => attempt(this.resetRow()) }, 'Whole line same as for all');
		this.inspector = h('section', { class: 'inspector card', 'aria-labelledby': 'matrix-title', hidden: true }, this.title,
			h('div', { class: 'sheet-faders' }, h('span', {}, 'Gain'), this.gain.el, h('span', {}, 'Place'), this.pan.el),
			h('div', { class: 'buttons' }, this.reset, this.solo));
		this.empty = h('p', { class: 'empty' }, 'A mix of one’s own needs at least two members.');
		this.hint = h('p', { class: 'hint' }, 'Each line is what one member hears. ',
			'Arrow keys choose, + and − change the gain, < and > the place, Delete makes it as it is for all.');
		this.el = h('div', { class: 'matrix-view' }, this.empty, this.hint, this.inspector, h('div', { class: 'scroller', tabindex: '-1' }, this.table));
		this.members();
		void this.look();
	}

	end() {
		this.ended = true;
		window.clearTimeout(this.timer);
	}

	async look() {
		window.clearTimeout(this.timer);
		try {
			const { views } = await get(`${roomPath(this.state.name)}/views`);
			this.take(views);
		} catch {
			// The connection's banner tells; the next look tries again.
		}
		if (!this.ended)
			this.timer = window.setTimeout(() => void this.look(), LOOK_MS);
	}

	/** @param {[number, number, number, number][]} views */
	take(views) {
		const now = performance.now();
		/** @type {Map<string, Cell>} */
		const cells = new Map();
		for (const [listener, source, gain, pan] of views)
			cells.set(`${listener} ${source}`, { gain, pan: pan > 1 ? null : pan });
		for (const [key, at] of this.touched) {
			const mine = this.cells.get(key);
			if (now - at > LOOK_MS && !this.senders.get(key)?.busy)
				this.touched.delete(key);
			else if (mine)
				cells.set(key, mine);
			else
				cells.delete(key);
		}
		this.cells = cells;
		for (const key of this.drawn.keys())
			this.draw(key);
		this.inspect();
	}

	/** Somebody came or went. */
	members() {
		const inside = this.state.inside.sort((a, b) => a.since_ms - b.since_ms || a.id - b.id);
		const ids = inside.map((m) => m.id);
		const names = inside.map(nameOf).join('\n');
		if (ids.join() === this.ids.join() && names === this.table.dataset.names)
			return;
		const focused = this.table.contains(document.activeElement);
		this.table.dataset.names = names;
		this.ids = ids;
		this.hint.hidden = this.table.hidden = ids.length < 2;
		this.empty.hidden = ids.length >= 2;
		this.build(inside);
		this.choose(this.listener, this.source, focused);
	}

	/** @param {Member[]} inside */
	build(inside) {
		this.drawn.clear();
		const head = h('thead', {}, h('tr', {}, h('th', { class: 'corner', scope: 'col' }, h('span', { class: 'unseen' }, 'Listener')),
			inside.map((m) => h('th', { scope: 'col', title: nameOf(m) }, h('span', { class: 'source' }, nameOf(m))))));
		const body = h('tbody', {}, inside.map((l) => h('tr', {}, h('th', { scope: 'row', title: nameOf(l) }, nameOf(l)),
			inside.map((s) => this.cell(l, s)))));
		fill(this.table, head, body);
	}

	/** @param {Member} listener @param {Member} source */
	cell(listener, source) {
		if (listener.id === source.id)
			return h('td', { class: 'own' }, h('span', { 'aria-label': 'itself' }, '·'));
		const key = `${listener.id} ${source.id}`;
		const el = h('td', { role: 'gridcell', tabindex: -1, 'data-key': key }, h('span', { class: 'db' }), h('span', { class: 'at', 'aria-hidden': 'true' }));
		this.drawn.set(key, el);
		this.draw(key);
		return el;
	}

	/** @param {string} key */
	draw(key) {
		const el = this.drawn.get(key);
		if (!el)
			return;
		const cell = this.cells.get(key);
		const gain = cell?.gain ?? 0;
		const [listener, source] = key.split(' ').map(Number);
		const text = gain <= SILENT_DB ? 'off' : gainWords(gain).replace(' dB', '');
		setText(/** @type {Element} */ (el.firstElementChild), text);
		setAttr(el, 'data-level', !cell || gain === 0 ? null : gain <= SILENT_DB ? 'off' : gain > 0 ? 'more' : 'less');
		setAttr(el, 'data-own', !!cell);
		setAttr(el, 'aria-label', `${this.nameAt(listener)} hears ${this.nameAt(source)}: ${viewWords(gain)}${
			cell && cell.pan !== null ? `, ${panWords(cell.pan)}` : ''}`);
		const at = /** @type {HTMLElement} */ (el.lastElementChild);
		at.hidden = !cell || cell.pan === null;
		at.style.transform = `translateX(${((cell?.pan ?? 0) * 1.1).toFixed(2)}rem)`;
	}

	/** @param {number | undefined} id */
	nameAt(id) {
		const m = this.state.members.get(id ?? 0);
		return m ? nameOf(m) : '?';
	}

	/** @param {Event} e */
	click(e) {
		const td = /** @type {HTMLElement} */ (e.target).closest('td');
		const [listener, source] = (td?.dataset.key ?? '').split(' ').map(Number);
		if (listener && source)
			this.choose(listener, source, true);
	}

	/** @param {number} listener @param {number} source @param {boolean} focus */
	choose(listener, source, focus) {
		const before = this.drawn.get(`${this.listener} ${this.source}`);
		const key = `${listener} ${source}`;
		const [first] = this.drawn.keys();
		const chosen = this.drawn.has(key) ? key : first;
		before?.setAttribute('tabindex', '-1');
		before?.removeAttribute('aria-selected');
		if (!chosen) {
			this.listener = this.source = 0;
			this.inspect();
			return;
		}
		[this.listener = 0, this.source = 0] = chosen.split(' ').map(Number);
		const el = this.drawn.get(chosen);
		el?.setAttribute('tabindex', '0');
		el?.setAttribute('aria-selected', 'true');
		if (focus)
			el?.focus();
		this.inspect();
	}

	inspect() {
		this.inspector.hidden = !this.listener || !mayControl();
		if (this.inspector.hidden)
			return;
		const cell = this.cells.get(`${this.listener} ${this.source}`);
		setText(this.title, `${this.nameAt(this.listener)} hears ${this.nameAt(this.source)}`);
		this.gain.label(`Gain of ${this.nameAt(this.source)} for ${this.nameAt(this.listener)}`);
		this.pan.label(`Place of ${this.nameAt(this.source)} for ${this.nameAt(this.listener)}`);
		this.gain.set(cell?.gain ?? 0);
		this.pan.set(cell?.pan ?? this.state.members.get(this.source)?.pan ?? 0);
		this.reset.disabled = !cell;
		this.solo.disabled = ![...this.cells.keys()].some((k) => k.startsWith(`${this.listener} `));
	}

	/** @param {KeyboardEvent} e */
	key(e) {
		const steps = /** @type {Record<string, [number, number]>} */ ({
			ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
		});
		const step = steps[e.key];
		if (step)
			this.walk(...step);
		else if (!this.change(e.key))
			return;
		e.preventDefault();
	}

	/** A step, over the cell of oneself. @param {number} down @param {number} right */
	walk(down, right) {
		let row = this.ids.indexOf(this.listener);
		let column = this.ids.indexOf(this.source);
		do {
			row += down;
			column += right;
		} while (row === column && row >= 0 && row < this.ids.length);
		const listener = this.ids[row];
		const source = this.ids[column];
		if (listener && source)
			this.choose(listener, source, true);
	}

	/** @param {string} key @returns {boolean} */
	change(key) {
		if (!mayControl() || !this.listener)
			return false;
		const cell = this.cells.get(`${this.listener} ${this.source}`);
		const gain = cell?.gain ?? 0;
		const pan = cell?.pan ?? this.state.members.get(this.source)?.pan ?? 0;
		if (key === '+' || key === '=')
			void attempt(this.send({ gain: Math.min(20, gain + 1) }));
		else if (key === '-')
			void attempt(this.send({ gain: Math.max(SILENT_DB, gain - 1) }));
		else if (key === '<' || key === ',')
			void attempt(this.send({ pan: Math.max(-1, Math.round((pan - 0.1) * 10) / 10) }));
		else if (key === '>' || key === '.')
			void attempt(this.send({ pan: Math.min(1, Math.round((pan + 0.1) * 10) / 10) }));
		else if (key === 'Delete' || key === 'Backspace' || key === '0')
			void attempt(this.send({ gain: 0, pan: null }));
		else
			return false;
		return true;
	}

	/** Shown at once, sent after the last one has arrived. @param {Partial<Cell>} part @param {number} [source] @returns {Promise<void>} */
	send(part, source = this.source) {
		const listener = this.listener;
		const key = `${listener} ${source}`;
		const cell = { gain: 0, pan: /** @type {number | null} */ (null), ...this.cells.get(key), ...part };
		if (cell.gain === 0 && cell.pan === null)
			this.cells.delete(key);
		else
			this.cells.set(key, cell);
		this.touched.set(key, performance.now());
		this.draw(key);
		this.inspect();
		return new Promise((resolve, reject) => {
			const sender = this.senders.get(key) ?? new Latest((/** @type {Cell} */ c) => memberVerb(this.state.name, listener, 'view',
				{ other: source, value: c.gain, pan: c.pan ?? PAN_SAME }), () => {});
			this.senders.set(key, sender);
			sender.failed = (e) => {
				this.touched.delete(key);
				void this.look();
				reject(e);
			};
			sender.put(cell);
			resolve();
		});
	}

	/** All cells of the chosen line. */
	async resetRow() {
		const prefix = `${this.listener} `;
		for (const key of [...this.cells.keys()])
			if (key.startsWith(prefix))
				await this.send({ gain: 0, pan: null }, Number(key.slice(prefix.length)));
	}
}
