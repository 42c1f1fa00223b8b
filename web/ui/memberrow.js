/* memberrow.js - one member as a line of the list: who, how loud, the fader, the network, the buttons. */
import { attempt, h, setAttr, setText } from './dom.js';
import { icon } from './icons.js';
import { gainFader } from './fader.js';
import { mayControl, memberVerb } from './api.js';
import { delayOf } from './roomstate.js';
import { initialsOf, nameOf, userOf } from './words.js';

/** @typedef {import('./types').Member} Member */
/** @typedef {import('./meter.js').MeterBank} MeterBank */

export class MemberRow {
	/** @param {string} room @param {Member} m @param {MeterBank} bank @param {(id: number) => void} more */
	constructor(room, m, bank, more) {
		this.room = room;
		this.id = m.id;
		this.member = m;
		this.bank = bank;
		const verb = (/** @type {string} */ name, /** @type {import('./types').Arguments} */ args) =>
			memberVerb(room, m.id, name, args);

		this.face = h('span', { class: 'face', 'aria-hidden': 'true' });
		this.name = h('span', { class: 'name' });
		this.user = h('span', { class: 'user' });
		this.tags = h('span', { class: 'tags' });
		this.speech = h('span', { class: 'unseen' });
		this.fader = gainFader('', (v) => verb('gain', { value: v }));
		this.codec = h('span', { class: 'codec' });
		this.delay = h('span', { class: 'delay' });
		this.loss = h('span', { class: 'loss' });

		this.mute = h('button', { type: 'button', class: 'icon toggle mute', 'data-do': 'mute',
			onclick: () => attempt(verb('mute', { on: !this.member.muted })) }, icon('mic'), icon('micOff'));
		this.hand = h('button', { type: 'button', class: 'icon toggle hand', 'data-do': 'hand',
			onclick: () => attempt(verb('hand', { on: !this.member.hand })) }, icon('hand'));
		this.more = h('button', { type: 'button', class: 'icon', 'data-do': 'more', 'aria-haspopup': 'dialog',
			onclick: () => more(m.id) }, icon('more'));

		this.el = h('li', { class: 'member', 'data-member': m.id },
			h('div', { class: 'who' }, this.face, h('div', { class: 'names' },
				h('div', { class: 'first' }, this.name, this.tags, this.speech), this.user)),
			bank.add(m.id), this.fader.el,
			h('div', { class: 'network' }, this.codec, this.delay, this.loss),
			h('div', { class: 'acts' }, this.mute, this.hand, this.more));
		this.fader.input.disabled = this.mute.disabled = this.hand.disabled = !mayControl();
		this.el.addEventListener('keydown', (e) => this.key(e));
		this.show(m, false);
	}

	/** Up and down go to the same button of the neighbour. @param {KeyboardEvent} e */
	key(e) {
		const from = /** @type {HTMLElement} */ (e.target).closest('button')?.dataset.do;
		const to = e.key === 'ArrowDown' ? this.el.nextElementSibling : e.key === 'ArrowUp' ? this.el.previousElementSibling : null;
		if (!from || !to)
			return;
		/** @type {HTMLElement | null} */ (to.querySelector(`[data-do="${from}"]`))?.focus();
		e.preventDefault();
	}

	/** @param {Member} m @param {boolean} floor  has the floor */
	show(m, floor) {
		const name = nameOf(m);
		const renamed = name !== nameOf(this.member) || !this.name.textContent;
		this.member = m;
		if (renamed)
			this.rename(name);
		setText(this.user, userOf(m.uri) === name ? m.uri.replace(/^sips?:/, '').replace(/^[^@]*@/, '') : m.uri.replace(/^sips?:/, ''));
		setText(this.speech, m.talking && !m.muted ? 'speaking' : '');
		setAttr(this.el, 'data-state', [m.talking && !m.muted && 'talking', floor && 'floor', m.muted && 'muted', m.hand && 'hand']
			.filter(Boolean).join(' '));
		setAttr(this.mute, 'aria-pressed', String(m.muted));
		setAttr(this.mute, 'title', m.muted ? (m.muted_by_host ? 'Muted by a host' : 'Muted') : 'Mute');
		setAttr(this.hand, 'aria-pressed', String(m.hand));
		setAttr(this.hand, 'title', m.hand ? 'Lower the hand' : 'Raise the hand');
		this.fader.set(m.gain_db);
		this.tag(m);
	}

	/** @param {string} name */
	rename(name) {
		setText(this.name, name);
		setAttr(this.name, 'title', name);
		setText(this.face, initialsOf(name));
		this.fader.label(`Gain of ${name}`);
		setAttr(this.mute, 'aria-label', `Mute ${name}`);
		setAttr(this.hand, 'aria-label', `Hand of ${name}`);
		setAttr(this.more, 'aria-label', `More about ${name}`);
		setAttr(this.more, 'title', 'More');
	}

	/** @param {Member} m */
	tag(m) {
		const tags = [m.role !== 'speaker' && m.role, m.muted_by_host && 'muted by host', m.deaf && 'deaf', m.hold && 'on hold']
			.filter(Boolean);
		const text = tags.join('|');
		if (this.tags.dataset.tags === text)
			return;
		this.tags.dataset.tags = text;
		this.tags.replaceChildren(...tags.map((t) => h('span', { class: `tag ${String(t).replaceAll(' ', '-')}` }, String(t))));
	}

	/** @param {number | null} loss */
	figures(loss) {
		const media = this.member.media;
		const delay = delayOf(media);
		setText(this.codec, media?.receive_codec || '–');
		setText(this.delay, delay === null ? '–' : `${Math.round(delay)} ms`);
		setText(this.loss, loss === null ? '' : `${loss < 9.95 ? loss.toFixed(1) : Math.round(loss)} %`);
		setAttr(this.loss, 'data-grade', loss !== null && loss >= 5 ? 'bad' : loss !== null && loss >= 1 ? 'poor' : null);
		setAttr(this.delay, 'data-grade', delay !== null && delay >= 400 ? 'bad' : delay !== null && delay >= 200 ? 'poor' : null);
		setAttr(this.el.querySelector('.network') ?? this.el, 'title',
			`Codec, delay of the way in (buffer and half the round trip)${loss === null ? '' : ', packets lost in the last 10 seconds'}`);
	}

	end() {
		this.bank.remove(this.id);
		this.el.remove();
	}
}
