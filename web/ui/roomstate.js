/* roomstate.js - one room as this page knows it: read whole, then kept true by events, and looked at again now and then.
 *
 * Events bring members whole, with the room's version; what they do not bring (counters of the network, settings) is
 * asked for every two seconds, which also mends whatever else went past us. An answer that is older than an event we
 * have seen counts for nothing but its counters. */
import { get, Refused, roomPath, Unreachable } from './api.js';

/** @typedef {import('./types').Room} Room */
/** @typedef {import('./types').Member} Member */
/** @typedef {import('./types').HouseEvent} HouseEvent */
/** @typedef {import('./types').Media} Media */

const LOOK_MS = 2000;
/** So many looks back what is lost is counted: about ten seconds. */
const LOOKS = 5;

/**
 * @typedef {object} Watcher
 * @property {() => void} room                  the room itself changed
 * @property {() => void} members               somebody came or went
 * @property {(m: Member) => void} member       one of them changed
 * @property {() => void} figures               the counters are new
 * @property {() => void} gone                  there is no such room (any more)
 * @property {() => void} silent                the server did not answer
 */

export class RoomState {
	/** @param {string} name @param {Watcher} watcher */
	constructor(name, watcher) {
		this.name = name;
		this.watcher = watcher;
		/** @type {Room | null} */
		this.room = null;
		/** @type {Map<number, Member>} */
		this.members = new Map();
		/** @type {Map<number, { received: number, lost: number }[]>} */
		this.history = new Map();
		this.speaker = 0;
		this.timer = 0;
		this.asking = false;
		this.again = false;
		this.ended = false;
		this.onvisible = () => {
			if (!document.hidden)
				void this.look();
		};
		document.addEventListener('visibilitychange', this.onvisible);
	}

	end() {
		this.ended = true;
		window.clearTimeout(this.timer);
		document.removeEventListener('visibilitychange', this.onvisible);
	}

	/** Asks for the room; a second wish while the first is on its way is one more question after it. */
	async look() {
		if (this.asking) {
			this.again = true;
			return;
		}
		this.asking = true;
		window.clearTimeout(this.timer);
		try {
			const room = await get(roomPath(this.name));
			if (!this.ended)
				this.take(room);
		} catch (e) {
			this.failed(e);
		}
		this.asking = false;
		if (this.again) {
			this.again = false;
			void this.look();
		} else if (!this.ended) {
			this.timer = window.setTimeout(() => {
				if (!document.hidden)
					void this.look();
			}, LOOK_MS);
		}
	}

	/** @param {unknown} e */
	failed(e) {
		if (this.ended)
			return;
		if (e instanceof Refused && e.status === 404)
			this.watcher.gone();
		else if (e instanceof Unreachable)
			this.watcher.silent();
	}

	/** @param {Room} room */
	take(room) {
		const known = this.room;
		const first = !known;
		const anew = !known || known.created_ms !== room.created_ms;
		if (!anew && room.version < known.version) {
			this.count(room.members);
			this.again = true;
			return;
		}
		const before = [...this.members.keys()].join();
		this.room = room;
		this.members = new Map(room.members.map((m) => [m.id, m]));
		this.speaker = room.speaker?.id ?? 0;
		this.count(room.members);
		if (first || before !== [...this.members.keys()].join())
			this.watcher.members();
		for (const m of room.members)
			this.watcher.member(m);
		this.watcher.room();
		this.watcher.figures();
	}

	/** @param {Member[]} members */
	count(members) {
		for (const m of members) {
			if (!m.media)
				continue;
			const known = this.members.get(m.id);
			if (known)
				known.media = m.media;
			const looks = this.history.get(m.id) ?? [];
			looks.push({ received: m.media.packets_received, lost: m.media.packets_lost });
			if (looks.length > LOOKS + 1)
				looks.shift();
			this.history.set(m.id, looks);
		}
		for (const id of this.history.keys())
			if (!this.members.has(id))
				this.history.delete(id);
	}

	/** What was lost of a member's packets in the last ten seconds, per cent; null: not known yet. @param {number} id */
	lossOf(id) {
		const looks = this.history.get(id);
		const first = looks?.[0];
		const last = looks?.[looks.length - 1];
		if (!first || !last || first === last)
			return null;
		const lost = Math.max(0, last.lost - first.lost);
		const all = last.received - first.received + lost;
		return all > 0 ? (100 * lost) / all : null;
	}

	/** @param {HouseEvent} e */
	event(e) {
		if (!this.room || e.room !== this.name || e.version <= this.room.version)
			return;
		// The room's version never skips: a hole is an event we have not heard.
		if (e.version !== this.room.version + 1)
			void this.look();
		this.room.version = e.version;
		if (e.type === 'room-ended')
			this.watcher.gone();
		else if (e.type === 'delays' || e.type === 'delay')
			return;
		else if (e.type === 'speaker')
			this.floor(e.member?.id ?? 0);
		else if (e.type === 'member-left' && e.member)
			this.left(e.member);
		else if (e.member)
			this.changed(e.member);
		else
			void this.look();
	}

	/** @param {number} id */
	floor(id) {
		const before = this.members.get(this.speaker);
		const now = this.members.get(id);
		this.speaker = id;
		if (before)
			this.watcher.member(before);
		if (now)
			this.watcher.member(now);
		this.watcher.room();
	}

	/** @param {Member} m */
	left(m) {
		if (!this.members.delete(m.id))
			return;
		if (this.speaker === m.id)
			this.speaker = 0;
		this.watcher.members();
		this.watcher.room();
	}

	/** @param {Member} m */
	changed(m) {
		const known = this.members.get(m.id);
		this.members.set(m.id, { ...m, media: m.media ?? known?.media ?? null });
		if (!known || isWaiting(known) !== isWaiting(m))
			this.watcher.members();
		this.watcher.member(m);
		this.watcher.room();
	}

	get all() {
		return [...this.members.values()];
	}

	get inside() {
		return this.all.filter((m) => !isWaiting(m));
	}

	get waiting() {
		return this.all.filter(isWaiting);
	}
}

/** @param {Member} m */
export function isWaiting(m) {
	return !!m.waiting;
}

/** The way of the sound from this member's mouth to the mix, as far as it is known: ms. @param {Media | null | undefined} media */
export function delayOf(media) {
	if (!media)
		return null;
	if (media.quality?.delay_ms)
		return media.quality.delay_ms;
	return media.packets_received ? media.buffer_ms + Math.round(media.round_trip_us / 2000) : null;
}
