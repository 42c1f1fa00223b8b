/* meter.js - how loud each member is, twenty times a second for fifty members and more.
 *
 * A meter is a fixed bar of colour, a cover that slides over it and a tick that stays at the peak for a second. Only the
 * transforms of these two change, and only of meters on the screen: nothing is laid out. They get no layers of their own
 * (will-change): a hundred of them cost a browser without a graphics card 30 ms a frame, painting these few pixels 6.
 * One loop serves all, thirty times a second, and stops when all are still. Up at once, down by 24 dB a second, as on a desk. */
import { h } from './dom.js';

const FLOOR_DB = -60;
const FALL_DB_MS = 24 / 1000;
const PEAK_MS = 1000;
/** Between two pictures; a quarter of a second for who wants less motion. */
const STEP_MS = 30;
const CALM_STEP_MS = 250;
/** No news for so long is silence. */
const STALE_MS = 400;

/**
 * @typedef {object} Meter
 * @property {HTMLElement} el
 * @property {HTMLElement} cover
 * @property {HTMLElement} tick
 * @property {number} target   dB
 * @property {number} shown    dB
 * @property {number} peak     dB
 * @property {number} peakAt
 * @property {number} drawn    percent
 * @property {number} drawnPeak
 * @property {boolean} seen    on the screen
 */

/** @param {number} db */
function place(db) {
	return Math.round(Math.max(0, Math.min(1, (db - FLOOR_DB) / -FLOOR_DB)) * 1000) / 10;
}

export class MeterBank {
	constructor() {
		/** @type {Map<number, Meter>} */
		this.meters = new Map();
		this.frame = 0;
		this.last = 0;
		this.newsAt = 0;
		this.pause = matchMedia('(prefers-reduced-motion: reduce)').matches ? CALM_STEP_MS : STEP_MS;
		this.watcher = new IntersectionObserver((entries) => {
			for (const e of entries) {
				const m = this.meters.get(Number(/** @type {HTMLElement} */ (e.target).dataset.meter));
				if (m)
					m.seen = e.isIntersecting;
			}
		}, { rootMargin: '100px' });
	}

	/** The meter of a member; it belongs into the page. @param {number} id */
	add(id) {
		const cover = h('span', { class: 'meter-cover' });
		const tick = h('span', { class: 'meter-tick' });
		const el = h('span', { class: 'meter', 'data-meter': id, 'aria-hidden': 'true' }, cover, tick);
		this.meters.set(id, { el, cover, tick, target: FLOOR_DB, shown: FLOOR_DB, peak: FLOOR_DB, peakAt: 0, drawn: 0, drawnPeak: 0,
			seen: true });
		this.watcher.observe(el);
		return el;
	}

	/** @param {number} id */
	remove(id) {
		const m = this.meters.get(id);
		if (m)
			this.watcher.unobserve(m.el);
		this.meters.delete(id);
	}

	/** @param {[number, number][]} levels  member and dB below full scale; who is not named is silent */
	set(levels) {
		const now = performance.now();
		for (const m of this.meters.values())
			m.target = FLOOR_DB;
		for (const [id, below] of levels) {
			const m = this.meters.get(id);
			if (!m)
				continue;
			m.target = -below;
			m.shown = Math.max(m.shown, m.target);
			if (m.target >= m.peak) {
				m.peak = m.target;
				m.peakAt = now;
			}
		}
		this.newsAt = now;
		if (!this.frame) {
			this.last = now;
			this.frame = requestAnimationFrame((t) => this.draw(t));
		}
	}

	/** @param {number} now */
	draw(now) {
		const fall = Math.max(0, now - this.last) * FALL_DB_MS;
		const stale = now - this.newsAt > STALE_MS;
		let moving = false;
		const wait = now - this.last < this.pause;
		if (!wait) {
			this.last = now;
			for (const m of this.meters.values())
				moving = this.step(m, now, fall, stale) || moving;
		}
		this.frame = moving || wait ? requestAnimationFrame((t) => this.draw(t)) : 0;
	}

	/** @param {Meter} m @param {number} now @param {number} fall @param {boolean} stale */
	step(m, now, fall, stale) {
		if (stale)
			m.target = FLOOR_DB;
		m.shown = Math.max(m.target, m.shown - fall, FLOOR_DB);
		if (now - m.peakAt > PEAK_MS)
			m.peak = Math.max(m.shown, m.peak - fall);
		if (m.seen)
			this.paint(m);
		return m.shown > FLOOR_DB || m.peak > FLOOR_DB;
	}

	/** @param {Meter} m */
	paint(m) {
		const at = place(m.shown);
		const peak = place(m.peak);
		if (at !== m.drawn)
			m.cover.style.transform = `translateX(${at}%)`;
		if (peak !== m.drawnPeak)
			m.tick.style.transform = `translateX(${peak}%)`;
		m.drawn = at;
		m.drawnPeak = peak;
	}

	end() {
		cancelAnimationFrame(this.frame);
		this.watcher.disconnect();
		this.meters.clear();
	}
}
