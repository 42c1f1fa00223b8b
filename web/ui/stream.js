/* stream.js - the server's events, over a WebSocket that is opened again whenever it ends.
 *
 *     wanted --> opening --hello--> open --ended--> lost --after 0.5, 1, 2 .. 10 s, or at once when asked--> opening
 *
 * Events have numbers. A new connection names the last one it has seen, so what happened meanwhile comes first; if that
 * is too long ago the server says resync, and whoever listens reads everything anew. Each hello after the first is
 * taken for one, too: a server that was started again may know other rooms than we do. */
import { get, ownRoom, Refused } from './api.js';

/** @typedef {import('./types').HouseEvent} HouseEvent */

/**
 * @typedef {object} Listener
 * @property {string} [room]
 * @property {boolean} [levels]
 * @property {(e: HouseEvent) => void} [event]
 * @property {() => void} fresh                      read everything: first, and whenever something may have been missed
 * @property {(levels: [number, number][]) => void} [level]
 * @property {(state: 'opening' | 'open' | 'lost', retryAt: number) => void} state
 */

const FIRST_WAIT_MS = 500;
const LAST_WAIT_MS = 10000;
/** A connection that cannot be made within this time never will be. */
const OPEN_WITHIN_MS = 8000;

export class Stream {
	/** @param {Listener} listener */
	constructor(listener) {
		this.listener = listener;
		/** @type {WebSocket | null} */
		this.socket = null;
		this.number = 0;
		this.wait = FIRST_WAIT_MS;
		this.timer = 0;
		this.ended = false;
		this.online = () => this.retry();
		window.addEventListener('online', this.online);
		this.open();
	}

	end() {
		this.ended = true;
		window.removeEventListener('online', this.online);
		window.clearTimeout(this.timer);
		this.drop();
	}

	/** At once, not when the time has come. */
	retry() {
		if (this.ended || this.socket)
			return;
		window.clearTimeout(this.timer);
		this.open();
	}

	/** Somebody else got no answer from the server: this connection is dead, it only does not know it yet. */
	suspect() {
		if (!this.ended && this.socket)
			this.lost();
	}

	drop() {
		window.clearTimeout(this.timer);
		if (!this.socket)
			return;
		this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
		this.socket.close();
		this.socket = null;
	}

	open() {
		const query = new URLSearchParams();
		const room = this.listener.room ?? ownRoom();
		if (room)
			query.set('room', room);
		if (this.listener.levels)
			query.set('levels', '1');
		if (this.number)
			query.set('since', String(this.number));
		const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
		const socket = new WebSocket(`${scheme}//${location.host}/api/v1/events?${query}`);
		this.socket = socket;
		this.listener.state('opening', 0);
		this.timer = window.setTimeout(() => this.lost(), OPEN_WITHIN_MS);
		socket.onmessage = (m) => this.message(JSON.parse(String(m.data)));
		socket.onclose = () => this.lost();
	}

	/** @param {any} m */
	message(m) {
		if (m.type === 'levels') {
			this.listener.level?.(m.levels);
		} else if (m.type === 'hello') {
			window.clearTimeout(this.timer);
			this.wait = FIRST_WAIT_MS;
			if (!this.number)
				this.number = m.number;
			this.listener.state('open', 0);
			this.listener.fresh();
		} else if (m.type === 'resync') {
			this.number = m.number;
			this.listener.fresh();
		} else if (m.number > this.number) {
			this.number = m.number;
			this.listener.event?.(m);
		}
	}

	lost() {
		this.drop();
		if (this.ended)
			return;
		// A few browsers at once should not knock in step at a server that has just come back.
		const wait = this.wait * (0.75 + Math.random() / 2);
		this.wait = Math.min(this.wait * 2, LAST_WAIT_MS);
		this.listener.state('lost', Date.now() + wait);
		this.timer = window.setTimeout(() => void this.knock(), wait);
	}

	/** A WebSocket does not tell why it was refused; a plain question does, and one of these ends at the login. */
	async knock() {
		try {
			await get('session');
		} catch (e) {
			if (e instanceof Refused && e.status === 401)
				return;
			if (!(e instanceof Refused)) {
				if (!this.socket)
					this.lost();
				return;
			}
		}
		if (!this.ended && !this.socket)
			this.open();
	}
}
