/* memberlist.js - the lines of all members: filter, order, and who waits outside. */
import { attempt, fill, h, setText } from './dom.js';
import { icon } from './icons.js';
import { mayControl, memberVerb } from './api.js';
import { MemberRow } from './memberrow.js';
import { MeterBank } from './meter.js';
import { countWords, nameOf } from './words.js';

/** @typedef {import('./types').Member} Member */
/** @typedef {import('./roomstate.js').RoomState} RoomState */

const reasons = /** @type {Record<string, string>} */ ({
	host: 'waits for a host', admit: 'waits to be let in', start: 'waits for the room to open',
});

/** @type {Record<string, (a: Member, b: Member) => number>} */
const orders = {
	arrival: (a, b) => a.since_ms - b.since_ms || a.id - b.id,
	name: (a, b) => nameOf(a).localeCompare(nameOf(b)) || a.id - b.id,
	hands: (a, b) => Number(b.hand) - Number(a.hand) || a.since_ms - b.since_ms || a.id - b.id,
};

export class MemberList {
	/** @param {RoomState} state @param {(id: number) => void} more */
	constructor(state, more) {
		this.state = state;
		this.more = more;
		this.bank = new MeterBank();
		/** @type {Map<number, MemberRow>} */
		this.rows = new Map();
		this.filter = h('input', { type: 'search', placeholder: 'Filter', 'aria-label': 'Filter members by name', oninput: () => this.arrange() });
		this.order = h('select', { 'aria-label': 'Order of members', onchange: () => this.arrange() },
			h('option', { value: 'arrival' }, 'In order of arrival'), h('option', { value: 'name' }, 'By name'),
			h('option', { value: 'hands' }, 'Hands first'));
		this.list = h('ul', { class: 'members', role: 'list', 'aria-label': 'Members' });
		this.empty = h('p', { class: 'empty' });
		this.outside = h('section', { class: 'waiting card', 'aria-labelledby': 'waiting-title', hidden: true });
		this.columns = h('div', { class: 'columns', 'aria-hidden': 'true' }, h('span', {}, 'Member'), h('span', {}, 'Level'),
			h('span', {}, 'Gain'), h('span', { class: 'right' }, 'Codec, delay, loss'), h('span', {}));
		this.tools = h('div', { class: 'list-tools' }, this.filter, this.order);
		this.el = h('div', { class: 'member-view' }, this.outside, this.tools, this.columns, this.list, this.empty);
	}

	/** Somebody came or went. */
	members() {
		const inside = this.state.inside;
		const ids = new Set(inside.map((m) => m.id));
		for (const [id, row] of this.rows)
			if (!ids.has(id))
				this.remove(id, row);
		for (const m of inside)
			if (!this.rows.has(m.id))
				this.rows.set(m.id, new MemberRow(this.state.name, m, this.bank, this.more));
		this.arrange();
		this.wait();
	}

	/** Whoever worked on this line goes on with the next one. @param {number} id @param {MemberRow} row */
	remove(id, row) {
		const held = row.el.contains(document.activeElement) ? document.activeElement : null;
		const next = row.el.nextElementSibling ?? row.el.previousElementSibling;
		const what = held?.closest('button')?.dataset.do;
		row.end();
		this.rows.delete(id);
		if (held)
			/** @type {HTMLElement} */ (next?.querySelector(what ? `[data-do="${what}"]` : 'input') ?? this.filter).focus();
	}

	/** Only what stands in a wrong place is moved: a moved line would lose the focus. */
	arrange() {
		const order = orders[this.order.value] ?? orders.arrival;
		const wanted = this.filter.value.trim().toLocaleLowerCase();
		let at = this.list.firstElementChild;
		let shown = 0;
		for (const m of this.state.inside.sort(order)) {
			const row = this.rows.get(m.id);
			if (!row)
				continue;
			row.el.hidden = wanted !== '' && !`${nameOf(m)} ${m.uri}`.toLocaleLowerCase().includes(wanted);
			shown += row.el.hidden ? 0 : 1;
			if (row.el === at)
				at = at.nextElementSibling;
			else
				this.list.insertBefore(row.el, at);
		}
		this.columns.hidden = this.list.hidden = shown === 0;
		this.tools.hidden = this.state.inside.length < 2;
		this.empty.hidden = shown > 0;
		setText(this.empty, this.state.inside.length ? 'No member has such a name.'
			: 'Nobody is here yet. Whoever calls this room appears here.');
	}

	/** @param {Member} m */
	member(m) {
		const row = this.rows.get(m.id);
		if (!row)
			return;
		const moved = this.order.value === 'hands' && row.member.hand !== m.hand;
		row.show(m, this.state.speaker === m.id);
		if (moved)
			this.arrange();
	}

	figures() {
		for (const [id, row] of this.rows)
			row.figures(this.state.lossOf(id));
	}

	wait() {
		const waiting = this.state.waiting;
		this.outside.hidden = waiting.length === 0;
		const held = document.activeElement;
		const key = held && this.outside.contains(held) ? held.getAttribute('data-key') : null;
		fill(this.outside, h('h2', { id: 'waiting-title' }, `${countWords(waiting.length, 'waits', 'wait')} outside`),
			h('ul', { role: 'list' }, waiting.map((m) => this.waiter(m))));
		if (key)
			/** @type {HTMLElement} */ (this.outside.querySelector(`[data-key="${key}"]`) ?? this.filter).focus();
	}

	/** @param {Member} m */
	waiter(m) {
		const act = (/** @type {string} */ verb) => () => attempt(memberVerb(this.state.name, m.id, verb));
		return h('li', {}, h('span', { class: 'name' }, nameOf(m)), h('span', { class: 'user' }, reasons[String(m.waiting)] ?? 'waits'),
			mayControl() && h('span', { class: 'buttons' },
				h('button', { type: 'button', class: 'primary', 'data-key': `admit-${m.id}`, 'aria-label': `Admit ${nameOf(m)}`,
					onclick: act('admit') }, icon('check'), 'Admit'),
				h('button', { type: 'button', 'data-key': `refuse-${m.id}`, 'aria-label': `Refuse ${nameOf(m)}`, onclick: act('refuse') },
					icon('cross'), 'Refuse')));
	}

	end() {
		this.bank.end();
	}
}
