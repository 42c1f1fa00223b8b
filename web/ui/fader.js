/* fader.js - a value one draws: gain, place. The browser's own slider, so that fingers, keys and screen readers know it.
 *
 * While it is being moved it shows the hand's value, sent as fast as the server answers; afterwards the server's. */
import { freshId, h, setText, toast } from './dom.js';
import { Latest } from './api.js';
import { gainWords, panWords } from './words.js';

/** How long the server's word is not taken after the hand has moved: its answer to that may still be on the way. */
const HAND_MS = 600;

export class Fader {
	/**
	 * @param {{ label: string, min: number, max: number, step: number, leap: number, middle: number, class: string,
	 *           words: (v: number) => string, send: (v: number) => Promise<unknown> }} kind
	 */
	constructor(kind) {
		this.kind = kind;
		this.value = kind.middle;
		this.movedAt = -Infinity;
		this.timer = 0;
		this.theirs = kind.middle;
		this.sender = new Latest(kind.send, (e) => {
			toast(e instanceof Error ? e.message : String(e), 'bad');
			this.movedAt = -Infinity;
			this.show(this.theirs);
		});
		const id = freshId('fader');
		this.input = h('input', { type: 'range', id, class: 'fader', min: kind.min, max: kind.max, step: kind.step,
			'aria-label': kind.label, value: kind.middle,
			oninput: () => this.moved(Number(this.input.value)),
			onkeydown: (/** @type {KeyboardEvent} */ e) => this.key(e),
			ondblclick: () => this.moved(kind.middle) });
		this.words = h('output', { class: 'fader-value', for: id, title: 'Double-click the slider to reset it' });
		this.el = h('span', { class: `fader-box ${kind.class}` }, this.input, this.words);
		this.show(kind.middle);
	}

	/** From the server. @param {number} value */
	set(value) {
		this.theirs = value;
		const since = performance.now() - this.movedAt;
		if (since > HAND_MS && !this.sender.busy) {
			this.show(value);
			return;
		}
		window.clearTimeout(this.timer);
		this.timer = window.setTimeout(() => this.set(this.theirs), HAND_MS);
	}

	/** @param {number} value */
	show(value) {
		this.value = value;
		this.input.value = String(value);
		this.input.setAttribute('aria-valuetext', this.kind.words(value));
		const part = (value - this.kind.min) / (this.kind.max - this.kind.min);
		this.input.style.setProperty('--at', `${(part * 100).toFixed(1)}%`);
		setText(this.words, this.kind.words(value));
	}

	/** By hand. @param {number} value */
	moved(value) {
		const bound = Math.max(this.kind.min, Math.min(this.kind.max, value));
		this.movedAt = performance.now();
		this.show(bound);
		this.sender.put(bound);
	}

	/** @param {KeyboardEvent} e */
	key(e) {
		const leap = { PageUp: this.kind.leap, PageDown: -this.kind.leap }[e.key];
		if (leap)
			this.moved(this.value + leap);
		else if (e.key === 'Delete' || e.key === 'Backspace')
			this.moved(this.kind.middle);
		else
			return;
		e.preventDefault();
	}

	/** The name changed. @param {string} label */
	label(label) {
		this.input.setAttribute('aria-label', label);
	}
}

/** @param {string} label @param {(v: number) => Promise<unknown>} send @param {(v: number) => string} [words] */
export function gainFader(label, send, words = gainWords) {
	return new Fader({ label, min: -60, max: 20, step: 1, leap: 6, middle: 0, class: 'gain', words, send });
}

/** @param {string} label @param {(v: number) => Promise<unknown>} send */
export function panFader(label, send) {
	return new Fader({ label, min: -1, max: 1, step: 0.05, leap: 0.25, middle: 0, class: 'pan', words: panWords, send });
}
