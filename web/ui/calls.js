/* calls.js - calls that are over: who, when, how long, how good, and why they ended; as a table and as CSV. */
import { attempt, fill, h, setAttr } from './dom.js';
import { icon } from './icons.js';
import { get } from './api.js';
import { Stream } from './stream.js';
import { showConnection } from './banner.js';
import { dayWords, lengthWords, userOf } from './words.js';

/** @typedef {import('./types').Call} Call */
/** @typedef {import('./types').View} View */

const PAGE = 50;

/** @returns {View} */
export function callsView() {
	const room = h('input', { type: 'search', 'aria-label': 'Room', placeholder: 'Room', autocomplete: 'off' });
	const from = h('input', { type: 'date', 'aria-label': 'From' });
	const to = h('input', { type: 'date', 'aria-label': 'To' });
	const csv = h('a', { class: 'button', download: 'calls.csv' }, icon('download'), 'CSV');
	const body = h('tbody', {});
	const empty = h('p', { class: 'empty', hidden: true }, 'There are no such calls.');
	const more = h('button', { type: 'button', hidden: true, onclick: () => void read(next) }, 'Show more');
	const table = h('table', { class: 'calls' }, h('caption', { class: 'unseen' }, 'Calls that are over, the newest first'),
		h('thead', {}, h('tr', {}, ['Ended', 'Who', 'Room', 'Length', 'Codec', 'Lost', 'MOS', 'End'].map((t) => h('th', { scope: 'col' }, t)))), body);
	const el = h('div', {}, h('div', { class: 'page-head' }, h('h1', { tabindex: '-1' }, 'Calls'), csv),
		h('form', { class: 'list-tools', role: 'search', onsubmit: (/** @type {Event} */ e) => {
			e.preventDefault();
			void read(0);
		}, onchange: () => void read(0) }, room, h('label', {}, 'From ', from), h('label', {}, 'to ', to), h('button', { type: 'submit' }, 'Show')),
		h('div', { class: 'scroller', tabindex: '0', role: 'region', 'aria-label': 'Table of calls' }, table), empty, h('div', { class: 'buttons' }, more));
	let next = 0;
	let turn = 0;

	const query = () => {
		const q = new URLSearchParams();
		if (room.value.trim())
			q.set('room', room.value.trim());
		if (from.value)
			q.set('from', String(new Date(`${from.value}T00:00:00`).getTime()));
		if (to.value)
			q.set('to', String(new Date(`${to.value}T24:00:00`).getTime()));
		return q;
	};

	/** @param {number} before */
	const read = (before) => attempt((async () => {
		const mine = ++turn;
		const q = query();
		csv.href = `/api/v1/calls?${new URLSearchParams([...q, ['format', 'csv']])}`;
		q.set('limit', String(PAGE));
		if (before)
			q.set('before', String(before));
		const answer = await get(`calls?${q}`);
		if (mine !== turn)
			return;
		next = answer.next ?? 0;
		if (before)
			body.append(...answer.calls.map(line));
		else
			fill(body, answer.calls.map(line));
		empty.hidden = body.children.length > 0;
		table.hidden = !empty.hidden;
		more.hidden = !next || answer.calls.length < PAGE;
	})());

	const stream = new Stream({
		fresh: () => void read(0),
		state: (s, at) => showConnection(s, at, () => stream.retry()),
	});
	return { el, title: 'Calls', end: () => stream.end() };
}

/** @param {Call} c */
function line(c) {
	const name = c.from_name || userOf(c.outgoing ? c.to : c.from);
	const all = c.rx_packets + c.lost;
	const row = h('tr', {},
		h('td', {}, h('time', { datetime: new Date(c.end_ms).toISOString() }, dayWords(c.end_ms))),
		h('td', {}, h('span', { class: 'name' }, name), h('span', { class: 'user' }, c.outgoing ? `called by us: ${c.to}` : c.from)),
		h('td', {}, c.room),
		h('td', { class: 'number' }, c.answer_ms ? lengthWords(c.end_ms - c.answer_ms) : '–'),
		h('td', {}, c.codec || '–'),
		h('td', { class: 'number' }, all ? `${((100 * c.lost) / all).toFixed(1)} %` : '–'),
		h('td', { class: 'number' }, c.mos > 0 ? c.mos.toFixed(1) : '–'),
		h('td', {}, c.status >= 300 ? `${c.status} ${c.why}` : c.why));
	setAttr(row, 'data-failed', c.status >= 300);
	return row;
}
