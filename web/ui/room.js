/* room.js - one room: its members and what a host does with them, and behind it mixes, settings, recordings, events. */
import { attempt, field, fill, h, openForm, setAttr, setText, toast } from './dom.js';
import { icon } from './icons.js';
import { get, mayControl, roomPath, roomVerb } from './api.js';
import { Stream } from './stream.js';
import { showConnection } from './banner.js';
import { RoomState } from './roomstate.js';
import { MemberList } from './memberlist.js';
import { MemberSheet } from './membersheet.js';
import { Matrix } from './matrix.js';
import { DelayTable, Warnings } from './delays.js';
import { Log } from './log.js';
import { Recordings } from './recordings.js';
import { settingsView } from './settings.js';
import { roomHref } from './rooms.js';
import { countWords, dayWords, nameOf } from './words.js';

/** @typedef {import('./types').View} View */
/** @typedef {import('./types').HouseEvent} HouseEvent */

const pages = /** @type {Record<string, string>} */ ({
	members: 'Members', mixes: 'Monitor mixes', delays: 'Delays', settings: 'Settings', recordings: 'Recordings', log: 'Events',
});

class RoomView {
	/** @param {string} name @param {string[]} rest */
	constructor(name, rest) {
		this.name = name;
		this.title = name;
		this.page = '';
		this.isGone = false;
		/** @type {MemberSheet | null} */
		this.sheet = null;
		/** @type {Matrix | null} */
		this.matrix = null;
		/** @type {DelayTable | null} */
		this.delays = null;
		this.warnings = new Warnings();
		/** @type {Recordings | null} */
		this.recordings = null;
		this.log = new Log();
		this.state = new RoomState(name, {
			room: () => this.head(),
			members: () => {
				this.list.members();
				this.matrix?.members();
				this.sheet?.show();
			},
			member: (m) => {
				this.list.member(m);
				if (this.sheet?.id === m.id)
					this.sheet.show();
			},
			figures: () => {
				this.list.figures();
				this.sheet?.show();
			},
			gone: () => this.gone(),
			silent: () => this.stream.suspect(),
		});
		this.list = new MemberList(this.state, (id) => {
			this.sheet = new MemberSheet(this.state, id, () => {
				this.sheet = null;
			});
		});
		this.el = this.frame();
		this.stream = new Stream({
			room: name, levels: true,
			event: (e) => this.event(e),
			fresh: () => {
				void this.state.look();
				void this.groups();
				void this.warned();
			},
			level: (l) => this.list.bank.set(l),
			state: (s, at) => showConnection(s, at, () => this.stream.retry()),
		});
		this.go(rest);
	}

	frame() {
		this.heading = h('h1', { tabindex: '-1' }, this.name);
		this.count = h('span', { class: 'count' });
		this.tags = h('span', { class: 'tags' });
		this.muteAll = this.action('micOff', 'Mute all', () => this.verb('mute-all', { on: !this.state.room?.muted_all }), 'toggle');
		this.lock = this.action('lock', 'Lock', () => this.verb('lock', { on: !this.state.room?.locked }), 'toggle');
		this.record = this.action('record', 'Record', () => this.verb('record', { text: this.recordStep() }), 'record');
		this.stop = this.action('stop', 'Stop', () => this.verb('record', { text: 'stop' }));
		this.beat = this.action('beat', 'Beat', () => this.verb('transport', { text: this.state.room?.tempo?.running ? 'stop' : 'start' }), 'toggle');
		this.tempo = this.action('beat', 'Tempo', () => this.tempoForm());
		this.dial = this.action('call', 'Call out', () => this.dialForm());
		this.announcement = this.action('speak', 'Announce', () => this.announceForm());
		this.recall = this.action('back', 'Recall groups', () => this.verb('recall'));
		this.recall.hidden = true;
		this.endAll = this.action('hangUp', 'End for all', () => this.endForm(), 'danger');
		this.acts = h('div', { class: 'room-acts', role: 'group', 'aria-label': 'Room' }, this.muteAll, this.lock, this.record, this.stop,
			this.beat, this.tempo, this.dial, this.announcement, this.recall, this.endAll);
		this.acts.hidden = !mayControl();
		this.nav = h('nav', { class: 'pages', 'aria-label': 'Parts of the room' }, Object.entries(pages).map(([page, text]) =>
			h('a', { href: roomHref(this.name) + (page === 'members' ? '' : `/${page}`), 'data-page': page }, text)));
		this.body = h('div', { class: 'room-body' });
		return h('div', { class: 'room-view' },
			h('a', { class: 'back', href: '#/rooms' }, icon('back'), 'Rooms'),
			h('div', { class: 'page-head' }, this.heading, this.count, this.tags), this.acts, this.nav, this.body);
	}

	/** @param {string} sign @param {string} text @param {() => unknown} act @param {string} [kind] */
	action(sign, text, act, kind = '') {
		return h('button', { type: 'button', class: kind, onclick: act }, icon(sign), h('span', {}, text));
	}

	/** @param {string} verb @param {import('./types').Arguments} [args] */
	verb(verb, args) {
		return attempt(roomVerb(this.name, verb, args));
	}

	/** @param {string[]} rest */
	go(rest) {
		const page = rest[0] && rest[0] in pages ? rest[0] : 'members';
		if (page === this.page)
			return;
		this.page = page;
		this.endTables();
		this.recordings = null;
		for (const a of /** @type {NodeListOf<HTMLElement>} */ (this.nav?.querySelectorAll('a') ?? []))
			setAttr(a, 'aria-current', a.dataset.page === page ? 'page' : null);
		setAttr(this.el, 'data-page', page);
		fill(/** @type {HTMLElement} */ (this.body), this.content(page), page !== 'log' && h('aside', { class: 'beside' }, this.log.el));
	}

	/** @param {string} page @returns {HTMLElement} */
	content(page) {
		if (page === 'mixes')
			return (this.matrix = new Matrix(this.state)).el;
		if (page === 'delays')
			return (this.delays = new DelayTable(this.state, (t) => {
				this.warnings.take(t);
				this.head();
			})).el;
		if (page === 'settings')
			return settingsView(this.name, () => {
				location.hash = '#/rooms';
			});
		if (page === 'log')
			return this.log.el;
		if (page === 'recordings') {
			this.recordings = new Recordings(this.name);
			void attempt(this.recordings.look());
			return this.recordings.el;
		}
		return this.list.el;
	}

	/** @param {HouseEvent} e */
	event(e) {
		const before = e.member ? this.state.members.get(e.member.id) : undefined;
		this.log.add(e, before && { ...before }, (id) => nameOf(this.state.members.get(id) ?? { name: '', uri: '', id }));
		if (e.type === 'delays' || e.type === 'delay')
			void this.delays?.look();
		if (this.warnings.event(e))
			this.head();
		if (e.detail.startsWith('recording-'))
			void this.recordings?.look().catch(() => {});
		if (this.isGone && e.type !== 'room-ended')
			void this.state.look();
		if (e.detail === 'moved' || e.detail === 'recalled')
			window.setTimeout(() => void this.groups(), 500);
		this.state.event(e);
	}

	/** Which pairs are over the bound already. */
	async warned() {
		const table = await get(`${roomPath(this.name)}/delays`).catch(() => null);
		if (table)
			this.warnings.take(table);
		this.head();
	}

	endTables() {
		this.matrix?.end();
		this.delays?.end();
		this.matrix = this.delays = null;
	}

	/** Are there rooms beside this one, from which members could be called back? */
	async groups() {
		const { rooms } = await get('rooms').catch(() => ({ rooms: [] }));
		const prefix = `${this.name}.`.toLowerCase();
		/** @type {HTMLElement} */ (this.recall).hidden = !rooms.some((/** @type {import('./types').RoomLine} */ r) => r.room.toLowerCase().startsWith(prefix));
	}

	recordStep() {
		return { running: 'pause', paused: 'resume' }[this.state.room?.recording ?? ''] ?? 'start';
	}

	head() {
		const r = this.state.room;
		if (!r)
			return;
		if (this.isGone)
			this.back();
		const inside = this.state.inside;
		const hands = inside.filter((m) => m.hand).length;
		const floor = this.state.members.get(this.state.speaker);
		setText(/** @type {Element} */ (this.heading), r.title || this.name);
		setText(/** @type {Element} */ (this.count), countWords(inside.length, 'member'));
		const tags = [r.hours === 'before' && r.starts_ms && `opens ${dayWords(r.starts_ms)}`, r.hours === 'open' && r.ends_ms && `until ${dayWords(r.ends_ms)}`,
			r.hours === 'over' && 'its time is over', r.profile === 'music' && 'music', r.locked && 'locked', r.recording === 'running' && 'recording',
			r.recording === 'paused' && 'recording pauses', hands > 0 && `${countWords(hands, 'hand')} up`, floor && `${floor.name || floor.uri} speaks`, this.warnings.words]
			.filter(Boolean).map(String);
		this.tag(tags);
		this.press(this.muteAll, r.muted_all, 'Mute all', 'All muted');
		this.press(this.lock, r.locked, 'Lock', 'Locked');
		const words = { running: 'Pause recording', paused: 'Resume recording' }[r.recording] ?? 'Record';
		setText(/** @type {Element} */ (this.record?.lastElementChild), words);
		setAttr(/** @type {Element} */ (this.record), 'data-recording', r.recording || null);
		/** @type {HTMLElement} */ (this.stop).hidden = !r.recording;
		for (const button of [this.beat, this.tempo])
			/** @type {HTMLElement} */ (button).hidden = r.profile !== 'music' || !r.tempo;
		if (r.tempo) {
			this.press(this.beat, r.tempo.running, 'Beat', 'Beat runs');
			setText(/** @type {Element} */ (this.tempo?.lastElementChild), `${r.tempo.bpm} a minute`);
		}
		for (const a of this.nav?.querySelectorAll('[data-page="mixes"], [data-page="delays"]') ?? [])
			setAttr(a, 'hidden', r.profile !== 'music');
	}

	/** @param {string[]} tags */
	tag(tags) {
		const el = /** @type {HTMLElement} */ (this.tags);
		const text = tags.join('|');
		if (el.dataset.tags === text)
			return;
		el.dataset.tags = text;
		fill(el, tags.map((t) => h('span', { class: `tag ${t === 'recording' ? 'recording' : t.includes(' up') || t.includes(' over ') ? 'attention' : ''}` },
			t === 'recording' && icon('record'), t === 'locked' && icon('lock'), t)));
	}

	/** @param {HTMLElement | undefined} button @param {boolean} on @param {string} off_text @param {string} on_text */
	press(button, on, off_text, on_text) {
		if (!button)
			return;
		setAttr(button, 'aria-pressed', String(on));
		setAttr(button, 'aria-label', off_text);
		setText(/** @type {Element} */ (button.lastElementChild), on ? on_text : off_text);
	}

	/** The room is there again. */
	back() {
		const page = this.page;
		this.isGone = false;
		this.page = '';
		this.go([page]);
	}

	gone() {
		if (this.isGone)
			return;
		this.isGone = true;
		this.sheet?.dialog.close();
		this.endTables();
		this.state.room = null;
		this.state.members.clear();
		this.list.members();
		setText(/** @type {Element} */ (this.count), '');
		this.tag([]);
		fill(/** @type {HTMLElement} */ (this.body), h('div', { class: 'empty' }, h('p', {}, 'There is no such room now. It appears here when somebody calls it.'),
			h('p', {}, h('a', { class: 'button', href: '#/rooms' }, 'To the rooms'))));
	}

	dialForm() {
		const uri = h('input', { name: 'uri', required: true, autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', inputmode: 'email' });
		openForm('Call somebody in', [field('Number or address', uri, 'For instance sip:ann@example.org; only what the server may call.')], 'Call', async () => {
			const text = uri.value.trim();
			await roomVerb(this.name, 'dial', { uri: text });
			toast(`Calling ${text} …`);
		});
	}

	tempoForm() {
		const t = this.state.room?.tempo;
		const bpm = h('input', { name: 'bpm', type: 'number', required: true, min: '20', max: '400', step: 'any', value: String(t?.bpm ?? 120) });
		const beats = h('input', { name: 'beats', type: 'number', required: true, min: '1', max: '32', step: '1', value: String(t?.beats ?? 4) });
		openForm('Tempo', [field('Beats a minute', bpm, t?.follow ? `It follows ${t.follow.name}, and cannot be set.` : ''), field('Beats in a bar', beats)],
			'Set', () => roomVerb(this.name, 'tempo', { value: t?.follow ? 0 : Number(bpm.value), beats: Number(beats.value) }));
	}

	announceForm() {
		const text = h('input', { name: 'text', required: true, autocomplete: 'off', spellcheck: 'false' });
		openForm('Announce to all', [field('Prompt or sound file', text, 'The name of a prompt, or of a file in the server’s folder of sounds.')], 'Announce',
			() => roomVerb(this.name, 'announce', { text: text.value.trim() }));
	}

	endForm() {
		const kept = this.state.room?.persistent;
		const n = countWords(this.state.members.size, 'member');
		openForm('End for all?', [h('p', {}, kept ? `${n} will be sent away. The room stays, with its settings, for the next time.`
			: `${n} will be sent away, and the room is closed.`)], 'End for all', () => roomVerb(this.name, kept ? 'clear' : 'end'), { danger: true });
	}

	end() {
		this.stream.end();
		this.state.end();
		this.endTables();
		this.list.end();
		this.sheet?.dialog.close();
	}
}

/** @param {string} name @param {string[]} rest @returns {View} */
export function roomView(name, rest) {
	return new RoomView(name, rest);
}

