/* rooms.js - all rooms of the server, and how to open another. */
import { announce, attempt, field, fill, h, openForm } from './dom.js';
import { icon } from './icons.js';
import { ask, get, mayControl, ownRoom, Refused, Unreachable } from './api.js';
import { Stream } from './stream.js';
import { showConnection } from './banner.js';
import { settingFields, settingTable } from './settings.js';
import { countWords } from './words.js';

/** @typedef {import('./types').RoomLine} RoomLine */
/** @typedef {import('./types').View} View */

/** Many events in a moment are one question. */
const GATHER_MS = 300;
const LOOK_MS = 15000;
/** More rooms than these want a filter. */
const MANY = 12;

/** @param {string} room */
export function roomHref(room) {
	return `#/rooms/${encodeURIComponent(room)}`;
}

/** @returns {View} */
export function roomsView() {
	const list = h('ul', { class: 'rooms', role: 'list', 'aria-label': 'Rooms' });
	const empty = h('p', { class: 'empty', hidden: true }, 'There is no room yet. Rooms open when somebody calls, or with the button above.');
	const count = h('span', { class: 'count' });
	const el = h('div', { class: 'rooms-view' },
		h('div', { class: 'page-head' }, h('h1', { tabindex: '-1' }, 'Rooms'), count,
			mayControl() && !ownRoom() && h('button', { type: 'button', class: 'primary', onclick: () => void createForm() }, icon('plus'), 'New room')),
		list, empty);
	const filter = h('input', { type: 'search', class: 'room-filter', placeholder: 'Filter', 'aria-label': 'Filter rooms by name', hidden: true,
		oninput: () => draw(known) });
	el.insertBefore(filter, list);
	/** @type {RoomLine[]} */
	let known = [];
	let timer = 0;
	let ended = false;

	const look = async () => {
		window.clearTimeout(timer);
		try {
			const { rooms } = await get('rooms');
			draw(rooms);
		} catch (e) {
			if (e instanceof Unreachable)
				stream.suspect();
		}
		if (!ended)
			timer = window.setTimeout(look, LOOK_MS);
	};
	const soon = () => {
		window.clearTimeout(timer);
		timer = window.setTimeout(look, GATHER_MS);
	};

	/** @param {RoomLine[]} rooms */
	const draw = (rooms) => {
		known = rooms;
		filter.hidden = rooms.length <= MANY;
		const wanted = filter.hidden ? '' : filter.value.trim().toLocaleLowerCase();
		const held = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.room;
		const members = rooms.reduce((n, r) => n + r.members, 0);
		count.textContent = rooms.length ? `${countWords(rooms.length, 'room')}, ${countWords(members, 'member')}` : '';
		empty.hidden = rooms.length > 0;
		fill(list, rooms.filter((r) => `${r.room} ${r.title}`.toLocaleLowerCase().includes(wanted)).map(line));
		if (held)
			/** @type {HTMLElement | null} */ (list.querySelector(`[data-room="${CSS.escape(held)}"]`))?.focus();
	};

	const stream = new Stream({
		fresh: () => void look(),
		event: (e) => {
			if (e.type === 'room-created' || e.type === 'room-ended')
				announce(`The room ${e.room} was ${e.type === 'room-created' ? 'opened' : 'ended'}`);
			if (e.type !== 'member-talking' && e.type !== 'speaker')
				soon();
		},
		state: (s, at) => showConnection(s, at, () => stream.retry()),
	});
	return {
		el, title: 'Rooms',
		end() {
			ended = true;
			window.clearTimeout(timer);
			stream.end();
		},
	};
}

/** @param {RoomLine} r */
function line(r) {
	const tags = [
		r.recording === 'running' && h('span', { class: 'tag recording' }, icon('record'), 'recording'),
		r.recording === 'paused' && h('span', { class: 'tag' }, icon('pause'), 'recording pauses'),
		r.locked && h('span', { class: 'tag' }, icon('lock'), 'locked'),
		r.muted_all && h('span', { class: 'tag' }, icon('micOff'), 'all muted'),
		r.waiting > 0 && h('span', { class: 'tag attention' }, countWords(r.waiting, 'waits', 'wait')),
		r.profile === 'music' && h('span', { class: 'tag' }, 'music'),
	];
	return h('li', {}, h('a', { class: 'room-card', href: roomHref(r.room), 'data-room': r.room },
		h('span', { class: 'room-name' }, r.title || r.room), r.title && r.title !== r.room && h('span', { class: 'user' }, r.room),
		h('span', { class: 'tags' }, tags),
		h('span', { class: 'room-members' }, h('b', {}, r.members), ` ${r.members === 1 ? 'member' : 'members'}`)));
}

async function createForm() {
	/** @type {import('./types').SettingInfo[]} */
	let infos = [];
	if (!await attempt(settingTable().then((t) => {
		infos = t;
	})))
		return;
	const name = h('input', { name: 'room', required: true, maxlength: 63, autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false' });
	const { fields, changed } = settingFields(infos, {});
	openForm('New room', [field('Name', name, 'What callers dial: sip:NAME@this-server'),
		h('details', {}, h('summary', {}, 'Settings'), h('div', { class: 'setting-fields' }, ...fields))], 'Create', async () => {
		const room = name.value.trim();
		try {
			await ask('POST', 'rooms', { room, settings: changed() });
		} catch (e) {
			if (e instanceof Refused && e.status === 409)
				throw new Error('There is a room of this name with other settings.');
			throw e;
		}
		location.hash = roomHref(room);
	}, { class: 'wide' });
}
