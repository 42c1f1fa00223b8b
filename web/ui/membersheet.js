/* membersheet.js - everything about one member, in a dialog that stays true while it is open. */
import { attempt, field, fill, h, openDialog, openForm, setAttr } from './dom.js';
import { icon } from './icons.js';
import { gainFader, panFader } from './fader.js';
import { get, mayControl, memberVerb, roomVerb } from './api.js';
import { delayOf } from './roomstate.js';
import { clockWords, nameOf } from './words.js';

/** @typedef {import('./types').Member} Member */
/** @typedef {import('./roomstate.js').RoomState} RoomState */

export class MemberSheet {
	/** @param {RoomState} state @param {number} id @param {() => void} onclose */
	constructor(state, id, onclose) {
		this.state = state;
		this.id = id;
		const m = state.members.get(id);
		const name = m ? nameOf(m) : '';
		const verb = (/** @type {string} */ v, /** @type {import('./types').Arguments} */ args = {}) => memberVerb(state.name, id, v, args);

		this.gain = gainFader(`Gain of ${name}`, (v) => verb('gain', { value: v }));
		this.pan = panFader(`Place of ${name}`, (v) => verb('pan', { pan: Math.round(v * 100) / 100 }));
		this.role = h('select', { onchange: () => attempt(verb('role', { role: this.role.value })) },
			['listener', 'speaker', 'host'].map((r) => h('option', { value: r }, r)));
		this.mute = this.toggle('Muted', (on) => verb('mute', { on }));
		this.deaf = this.toggle('Hears nothing', (on) => verb('deaf', { on }));
		this.hand = this.toggle('Hand raised', (on) => verb('hand', { on }));
		this.click = this.toggle('Hears the beat', (on) => verb('click', { on, value: this.state.members.get(id)?.click_db ?? 0 }));
		this.click.hidden = state.room?.profile !== 'music';
		this.facts = h('dl', { class: 'facts' });
		this.playing(name, verb);
		const floor = h('button', { type: 'button', onclick: () => attempt(verb('floor', { on: true }), `${name} has the floor.`) }, 'Give the floor');
		floor.hidden = state.room?.settings.floor !== 'on';
		const ask = h('button', { type: 'button', onclick: () => attempt(verb('ask-unmute'), `${name} was asked to unmute.`) }, 'Ask to unmute');
		this.ask = ask;

		this.dialog = openDialog(name, [h('fieldset', { disabled: !mayControl() },
			h('div', { class: 'sheet-faders' }, h('span', {}, 'Gain'), this.gain.el, h('span', {}, 'Place'), this.pan.el),
			h('div', { class: 'sheet-switches' }, this.mute, this.deaf, this.hand, this.click),
			field('Role', this.role),
			this.music,
			h('div', { class: 'buttons' }, ask, floor,
				h('button', { type: 'button', onclick: () => moveForm(state, id) }, 'Move …'),
				h('button', { type: 'button', onclick: () => breakoutForm(state, id) }, 'Breakout …')),
			h('h3', {}, 'Network'), this.facts,
			h('div', { class: 'buttons apart' },
				h('button', { type: 'button', class: 'danger', onclick: () => kickForm(state, id) }, icon('away'), 'Send away …'),
				h('button', { type: 'button', class: 'danger', onclick: () => banForm(state, id) }, icon('cross'), 'Ban …'))),
		], { class: 'sheet', onclose });
		this.show();
	}

	/**
	 * What a musician chooses; only in rooms of music.
	 * @param {string} name @param {(v: string, args?: import('./types').Arguments) => Promise<unknown>} verb
	 */
	playing(name, verb) {
		const option = (/** @type {[string, string]} */ [value, text]) => h('option', { value }, text);
		this.buffer = h('select', { onchange: () => attempt(verb('buffer', { value: Number(this.buffer.value) })) },
			/** @type {[string, string][]} */ ([['-1', 'by itself'], ['0', '0 frames'], ['1', '1 frame'], ['2', '2 frames'], ['3', '3 frames']]).map(option));
		this.sync = h('select', { onchange: () => attempt(verb('click-sync', { text: this.sync.value })) },
			/** @type {[string, string][]} */ ([['room', 'with the mix'], ['ear', 'on the beat'], ['mix', 'so that it plays into the mix on the beat']]).map(option));
		this.red = this.toggle('Is sent each frame twice', (on) => verb('red', { on }));
		this.section = h('input', { maxlength: '32', autocomplete: 'off', onchange: () => attempt(verb('section', { text: this.section.value.trim() })) });
		this.sectionGain = gainFader(`Gain of the section of ${name}`, (v) => roomVerb(this.state.name, 'section-gain',
			{ name: this.state.members.get(this.id)?.section ?? '', value: v }));
		this.sectionFader = h('div', { class: 'sheet-faders' }, h('span', {}, 'All of it'), this.sectionGain.el);
		this.music = h('div', {}, field('Jitter buffer', this.buffer), field('Timing of the beat', this.sync),
			h('div', { class: 'sheet-switches' }, this.red), field('Section', this.section), this.sectionFader);
		this.music.hidden = this.state.room?.profile !== 'music';
	}

	/** @param {Member} m */
	showPlaying(m) {
		for (const [input, value] of /** @type {[HTMLInputElement | HTMLSelectElement, string][]} */ ([[this.buffer, String(m.buffer ?? -1)],
			[this.sync, m.click_sync ?? 'room'], [this.section, m.section ?? '']]))
			if (document.activeElement !== input)
				input.value = value;
		/** @type {HTMLInputElement} */ (/** @type {HTMLElement} */ (this.red).firstElementChild).checked = m.redundant === true;
		/** @type {HTMLElement} */ (this.sectionFader).hidden = !m.section;
		this.sectionGain?.set(m.section ? this.state.room?.sections?.[m.section] ?? 0 : 0);
	}

	/** @param {string} label @param {(on: boolean) => Promise<unknown>} send */
	toggle(label, send) {
		const input = h('input', { type: 'checkbox', role: 'switch', onchange: async () => {
			if (!await attempt(send(input.checked)))
				input.checked = !input.checked;
		} });
		return h('label', { class: 'switch' }, input, h('span', {}, label));
	}

	show() {
		const m = this.state.members.get(this.id);
		if (!m) {
			this.dialog.close();
			return;
		}
		this.gain.set(m.gain_db);
		this.pan.set(m.pan);
		if (document.activeElement !== this.role)
			this.role.value = m.role;
		for (const [label, on] of /** @type {[HTMLElement, boolean][]} */ ([[this.mute, m.muted], [this.deaf, m.deaf], [this.hand, m.hand], [this.click, m.click]]))
			/** @type {HTMLInputElement} */ (label.firstElementChild).checked = on;
		setAttr(this.ask, 'hidden', !m.muted);
		this.showPlaying(m);
		fill(this.facts, facts(m, this.state.lossOf(m.id)).map(([k, v]) => [h('dt', {}, k), h('dd', {}, v)]).flat());
	}
}

/** @param {Member} m @param {number | null} loss @returns {[string, string][]} */
function facts(m, loss) {
	const media = m.media;
	/** @type {[string, string][]} */
	const list = [['Address', m.uri], ['Here since', clockWords(m.since_ms) + (m.dialed_out ? ', called by us' : '')]];
	if (!media)
		return list;
	const q = media.quality;
	const delay = delayOf(media);
	const some = (/** @type {number | null | undefined} */ v, /** @type {(n: number) => string} */ words) =>
		v === null || v === undefined ? 'not known yet' : words(v);
	list.push(
		['Codec', media.receive_codec === media.send_codec ? media.receive_codec || '–' : `${media.receive_codec} in, ${media.send_codec} out`],
		['Encrypted', { none: 'no', sdes: 'with keys in the description', dtls: 'with keys by DTLS' }[media.keys] || 'not known yet'],
		['Delay in', some(delay, (v) => `${Math.round(v)} ms, of it ${media.buffer_ms} ms jitter buffer`)],
		...(media.buffer_odds ? /** @type {[string, string][]} */ ([['Concealed a minute', media.buffer_odds.map((v, i) => `${v < 10 ? v.toFixed(1) : Math.round(v)} with ${i}`).join(', ') + ' held']]) : []),
		['Round trip', media.round_trip_us ? `${(media.round_trip_us / 1000).toFixed(1)} ms` : 'not known yet'],
		['Jitter', `${(media.jitter_us / 1000).toFixed(1)} ms`],
		['Lost', `${some(loss, (v) => `${v.toFixed(1)} % of the last 10 s`)}; ${media.packets_lost} of ${media.packets_received + media.packets_lost} packets in all`],
		['Lost on the way out', `${media.peer_lost_percent.toFixed(1)} %`],
		['Quality', some(q?.mos_listening, (v) => `MOS ${v.toFixed(1)}`) + some2(q?.r_factor, (v) => `, R ${Math.round(v)}`)]);
	return list;
}

/** @param {number | null | undefined} v @param {(n: number) => string} words */
function some2(v, words) {
	return v === null || v === undefined ? '' : words(v);
}

/** @param {RoomState} state @param {number} id */
function memberName(state, id) {
	const m = state.members.get(id);
	return m ? nameOf(m) : 'the member';
}

/** @param {RoomState} state @param {number} id */
function kickForm(state, id) {
	const name = memberName(state, id);
	openForm(`Send ${name} away?`, [h('p', {}, 'The call ends. Whoever was sent away may call again.')], 'Send away',
		() => memberVerb(state.name, id, 'kick'), { danger: true });
}

/** @param {RoomState} state @param {number} id */
function banForm(state, id) {
	const m = state.members.get(id);
	if (!m)
		return;
	openForm(`Ban ${nameOf(m)}?`, [h('p', {}, 'The call ends, and calls from ', h('b', {}, m.uri), ' to this room are refused from now on. The settings of the room take it back.')],
		'Ban', async () => {
			await roomVerb(state.name, 'ban', { uri: m.uri });
			// A ban is for calls to come; the one that is here is ended as well, if the ban has not done it.
			await memberVerb(state.name, id, 'kick').catch(() => {});
		}, { danger: true });
}

/** @param {RoomState} state @param {number} id */
async function moveForm(state, id) {
	/** @type {import('./types').RoomLine[]} */
	const rooms = await get('rooms').then((b) => b.rooms, () => []);
	const input = h('input', { name: 'room', required: true, list: 'move-rooms', autocomplete: 'off' });
	openForm(`Move ${memberName(state, id)}`, [field('To the room', input, 'A room that is there.'),
		h('datalist', { id: 'move-rooms' }, rooms.filter((r) => r.room !== state.name).map((r) => h('option', { value: r.room })))],
	'Move', (form) => memberVerb(state.name, id, 'move', { room: String(form.get('room')) }));
}

/** @param {RoomState} state @param {number} id */
function breakoutForm(state, id) {
	const input = h('input', { name: 'name', required: true, autocomplete: 'off' });
	openForm(`Breakout for ${memberName(state, id)}`,
		[field('Name of the group', input, 'Members sent to the same group meet there; the room calls all of them back.')], 'Send',
		(form) => memberVerb(state.name, id, 'breakout', { name: String(form.get('name')) }));
}
