/* settings.js - the settings of a room as a form, drawn from the server's own table of them: what it knows is here. */
import { attempt, field, fill, h, openForm, toast } from './dom.js';
import { ask, get, mayControl, Refused, roomPath, roomVerb } from './api.js';
import { dayWords } from './words.js';

/** @typedef {import('./types').SettingInfo} SettingInfo */

/** @type {Promise<SettingInfo[]> | null} */
let table = null;

/** The table, asked for once. @returns {Promise<SettingInfo[]>} */
export function settingTable() {
	table ??= get('settings').then((b) => b.settings, (e) => {
		table = null;
		throw e;
	});
	return table;
}

/** @param {string} name */
function title(name) {
	const text = name.replaceAll('-', ' ').replace(/\bpin\b/, 'PIN');
	return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {SettingInfo} s @returns {string[]} */
function choicesOf(s) {
	return s.choices ?? [];
}

/** A PIN is not told, only that there is one. @param {import('./types').Room} room @returns {Record<string, string>} */
function valuesOf(room) {
	return { ...room.settings, 'host-pin': room.has_host_pin ? 'set' : '', 'guest-pin': room.has_guest_pin ? 'set' : '' };
}

/** @param {SettingInfo} s */
function isSwitch(s) {
	return choicesOf(s).join() === 'off,on';
}

/** @param {SettingInfo} s */
function isSecret(s) {
	return !!s.secret || s.type === 'pin';
}

/** @param {SettingInfo} s @param {string | undefined} value */
function inputOf(s, value) {
	const name = s.name;
	const is = value ?? s.default ?? '';
	if (isSwitch(s))
		return h('input', { type: 'checkbox', role: 'switch', name, checked: is === 'on' });
	if (choicesOf(s).length)
		return h('select', { name }, choicesOf(s).map((v) => h('option', { value: v, selected: v === is }, v)));
	if (isSecret(s))
		return h('input', { name, type: 'text', inputmode: 'numeric', autocomplete: 'off', pattern: '[0-9]{4,12}', maxlength: 12,
			title: '4 to 12 digits', placeholder: value ? 'set; type to replace' : 'none' });
	if (s.type === 'number')
		return h('input', { name, type: 'number', value: is, min: s.min, max: s.max });
	if (s.type === 'time')
		return h('input', { name, type: 'datetime-local', value: is });
	return h('input', { name, type: 'text', value: is, autocomplete: 'off' });
}

/**
 * Fields for all settings, and how to read what was changed in them.
 * @param {SettingInfo[]} infos
 * @param {Record<string, string>} values
 * @returns {{ fields: HTMLElement[], changed: () => Record<string, string> }}
 */
export function settingFields(infos, values) {
	/** @type {Set<string>} */
	const removed = new Set();
	const inputs = infos.map((s) => inputOf(s, values[s.name]));
	const before = inputs.map(valueOf);
	const fields = infos.map((s, i) => {
		const input = /** @type {HTMLInputElement} */ (inputs[i]);
		const el = field(title(s.name), input, s.help);
		if (isSwitch(s))
			el.classList.add('yes-no');
		if (isSecret(s) && values[s.name])
			input.after(removeButton(s, input, removed));
		return el;
	});
	const changed = () => {
		/** @type {Record<string, string>} */
		const out = {};
		infos.forEach((s, i) => {
			const is = valueOf(/** @type {HTMLInputElement} */ (inputs[i]));
			if (is !== before[i] || (removed.has(s.name) && is === ''))
				out[s.name] = is;
		});
		return out;
	};
	return { fields, changed };
}

/** @param {HTMLInputElement | HTMLSelectElement} input */
function valueOf(input) {
	return input instanceof HTMLInputElement && input.type === 'checkbox' ? (input.checked ? 'on' : 'off') : input.value.trim();
}

/** @param {SettingInfo} s @param {HTMLInputElement} input @param {Set<string>} removed */
function removeButton(s, input, removed) {
	return h('button', { type: 'button', class: 'quiet', onclick: () => {
		removed.add(s.name);
		input.value = '';
		input.placeholder = 'none once saved';
	} }, `Remove the ${title(s.name)}`);
}

/** The page of a room's settings. @param {string} room @param {() => void} deleted @returns {HTMLElement} */
export function settingsView(room, deleted) {
	const el = h('div', { class: 'settings-view' }, h('p', { class: 'empty' }, 'Reading …'));
	void load(el, room, deleted);
	return el;
}

/** @param {HTMLElement} el @param {string} room @param {() => void} deleted */
async function load(el, room, deleted) {
	try {
		const [infos, answer] = await Promise.all([settingTable(), ask('GET', roomPath(room))]);
		const values = valuesOf(answer.body);
		const { fields, changed } = settingFields(infos, values);
		const save = h('button', { type: 'submit', class: 'primary' }, 'Save');
		const form = h('form', { class: 'card', onsubmit: async (/** @type {Event} */ e) => {
			e.preventDefault();
			save.disabled = true;
			if (await attempt(store(room, changed(), values, answer.etag), 'Saved.'))
				await load(el, room, deleted);
			save.disabled = false;
		} }, h('fieldset', { disabled: !mayControl() }, h('div', { class: 'setting-fields' }, ...fields), mayControl() && h('div', { class: 'buttons' }, save)));
		el.replaceChildren(form, await bansCard(room), ...mayControl() ? [deleteCard(room, deleted)] : []);
	} catch (e) {
		el.replaceChildren(h('p', { class: 'empty' }, e instanceof Error ? e.message : String(e)));
	}
}

/**
 * A room's version grows with everybody who comes and goes, so another version alone is no reason to stop: only when
 * somebody else changed the settings since they were read here.
 * @param {string} room @param {Record<string, string>} settings @param {Record<string, string>} before @param {string} etag
 */
async function store(room, settings, before, etag) {
	for (let tag = etag, tries = 0; ; tries++) {
		try {
			return await ask('PATCH', roomPath(room), { settings }, tag ? { 'If-Match': tag } : {});
		} catch (e) {
			if (!(e instanceof Refused) || e.status !== 412 || tries > 8)
				throw e;
			const now = await ask('GET', roomPath(room));
			if (JSON.stringify(sorted(valuesOf(now.body))) !== JSON.stringify(sorted(before)))
				throw new Error('Somebody else has changed the settings meanwhile. Leave this page and come back to see them.');
			tag = now.etag;
		}
	}
}

/** @param {Record<string, string>} settings */
function sorted(settings) {
	return Object.entries(settings ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Who may not come in, and the way back. @param {string} room */
async function bansCard(room) {
	const list = h('ul', { class: 'bans', role: 'list' });
	const look = async () => {
		/** @type {import('./types').Ban[]} */
		const bans = (await get(`${roomPath(room)}/bans`)).bans;
		fill(list, bans.length ? bans.map((b) => h('li', {}, h('span', {}, b.uri), h('time', { class: 'user', datetime: new Date(b.at_ms).toISOString() },
			dayWords(b.at_ms)), mayControl() && h('button', { type: 'button', 'aria-label': `Unban ${b.uri}`,
			onclick: async () => {
				if (await attempt(roomVerb(room, 'unban', { uri: b.uri })))
					await look();
			} }, 'Unban'))) : h('li', { class: 'user' }, 'Nobody is banned.'));
	};
	await look();
	return h('section', { class: 'card', 'aria-labelledby': 'bans-title' }, h('h2', { id: 'bans-title' }, 'Banned'), list);
}

/** @param {string} room @param {() => void} deleted */
function deleteCard(room, deleted) {
	return h('section', { class: 'card danger-zone', 'aria-label': 'Delete the room' },
		h('p', {}, 'All members are sent away, and the room with its settings is gone.'),
		h('button', { type: 'button', class: 'danger', onclick: () => openForm(`Delete ${room}?`,
			[h('p', {}, 'Calls end, settings and bans are lost. Recordings stay.')], 'Delete', async () => {
				await ask('DELETE', roomPath(room));
				toast(`${room} is gone.`);
				deleted();
			}, { danger: true }) }, 'Delete the room …'));
}
