/* log.js - what happened, the newest first, in words; the most important of it is also read out. */
import { announce, fill, h } from './dom.js';
import { clockWords, nameOf } from './words.js';

/** @typedef {import('./types').HouseEvent} HouseEvent */
/** @typedef {import('./types').Member} Member */

const KEPT = 300;

const left = /** @type {Record<string, string>} */ ({
	kicked: 'was sent away', 'rtp-timeout': 'was lost: no sound came any more', refused: 'was refused', moved: 'went to another room',
	banned: 'was banned', ended: 'left: the room was ended', cleared: 'left: all were sent away',
});
const joined = /** @type {Record<string, string>} */ ({
	moved: 'came from another room', recalled: 'came back', admitted: 'was let in', breakout: 'came into the group',
});
const waits = /** @type {Record<string, string>} */ ({
	host: 'waits for a host', admit: 'waits to be let in', start: 'waits for the room to open',
});
const room = /** @type {Record<string, string>} */ ({
	locked: 'The room is locked', unlocked: 'The room is open', 'muted-all': 'All are muted', 'unmuted-all': 'All may speak again',
	settings: 'Settings were changed', banned: 'Somebody was banned', unbanned: 'A ban was lifted', 'host-gone': 'The last host has left',
	'host-back': 'A host is back', ending: 'The room ends in a few minutes', opened: 'The room has opened', empty: '',
	'recording-started': 'The recording began', 'recording-paused': 'The recording pauses', 'recording-resumed': 'The recording goes on',
	'recording-stopped': 'The recording ended', 'recording-failed': 'The recording failed',
});

/** @param {NonNullable<HouseEvent['delay']>} d @param {(id: number) => string} names */
function delayWords(d, names) {
	return d.over ? `${names(d.to)} hears ${names(d.from)} late: ${d.ms.toFixed(1)} ms, over ${d.bound_ms}` : `${names(d.to)} hears ${names(d.from)} in time again`;
}

/** What an event says to a person; "" for what only changes a picture. @param {HouseEvent} e @param {Member | undefined} before
 * @param {(id: number) => string} names */
export function eventWords(e, before, names) {
	const who = e.member ? nameOf(e.member) : '';
	if (e.delay)
		return delayWords(e.delay, names);
	switch (e.type) {
	case 'member-joined': return `${who} ${joined[e.detail] ?? 'came in'}`;
	case 'member-waiting': return `${who} ${waits[e.detail] ?? 'waits'}`;
	case 'member-left': return `${who} ${left[e.detail] ?? 'left'}`;
	case 'member-key': return `${who} pressed ${e.detail}`;
	case 'member-changed': return e.member ? changeWords(e.member, before, e.detail) : '';
	case 'room-created': return `The room ${e.room} was opened`;
	case 'room-ended': return `The room ${e.room} was ended`;
	case 'room-changed': return room[e.detail] ?? (e.detail ? `The room: ${e.detail.replaceAll('-', ' ')}` : '');
	default: return '';
	}
}

/** @param {Member} m @param {Member | undefined} before @param {string} detail */
function changeWords(m, before, detail) {
	const who = nameOf(m);
	if (detail === 'asked-unmute')
		return `${who} was asked to unmute`;
	if (detail === 'floor-given' || detail === 'floor-taken')
		return `${who} ${detail === 'floor-given' ? 'has the floor' : 'has the floor no more'}`;
	if (!before)
		return '';
	if (before.hand !== m.hand)
		return m.hand ? `${who} raised a hand` : `${who} lowered the hand`;
	if (before.muted !== m.muted)
		return m.muted ? `${who} was muted${m.muted_by_host ? ' by a host' : ''}` : `${who} can be heard again`;
	if (before.role !== m.role)
		return `${who} is ${m.role} now`;
	if (before.hold !== m.hold)
		return m.hold ? `${who} put us on hold` : `${who} is back from hold`;
	if (before.deaf !== m.deaf)
		return m.deaf ? `${who} hears nothing now` : `${who} hears again`;
	return '';
}

/** Comings, goings and hands are read out; the rest can be read. @param {HouseEvent} e @param {string} words */
function isSpoken(e, words) {
	return ['member-joined', 'member-left', 'member-waiting', 'room-ended'].includes(e.type) || e.detail.startsWith('recording-') ||
		words.includes(' hand') || words.includes('The room is ');
}

export class Log {
	constructor() {
		this.list = h('ol', { class: 'log-lines', role: 'list' });
		this.empty = h('p', { class: 'empty' }, 'What happens in the room appears here.');
		this.el = h('section', { class: 'log card', 'aria-labelledby': 'log-title' }, h('h2', { id: 'log-title' }, 'Events'), this.empty, this.list);
	}

	/** @param {HouseEvent} e @param {Member | undefined} before @param {(id: number) => string} names of those who are in */
	add(e, before, names) {
		const words = eventWords(e, before, names);
		if (!words)
			return;
		if (isSpoken(e, words))
			announce(words);
		this.line(words, e.at_ms);
	}

	/** @param {string} words @param {number} at_ms */
	line(words, at_ms) {
		this.empty.hidden = true;
		this.list.prepend(h('li', {}, h('time', { datetime: new Date(at_ms).toISOString() }, clockWords(at_ms)), h('span', {}, words)));
		while (this.list.children.length > KEPT)
			this.list.lastElementChild?.remove();
	}

	clear() {
		fill(this.list);
		this.empty.hidden = false;
	}
}
