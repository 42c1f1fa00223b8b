/* What the server sends, for the type checker only; docs/api.md is the contract. Not served. */

export type Role = 'listener' | 'speaker' | 'host';

export interface Quality {
	r_factor: number | null;
	mos_listening: number | null;
	mos_conversation: number | null;
	lost_percent: number | null;
	late_percent: number | null;
	delay_ms: number | null;
}

export interface Media {
	receive_codec: string;
	send_codec: string;
	keys: 'none' | 'sdes' | 'dtls';
	packets_received: number;
	packets_sent: number;
	packets_lost: number;
	packets_late: number;
	peer_lost_percent: number;
	jitter_us: number;
	buffer_ms: number;
	buffer_odds?: number[] | null;
	round_trip_us: number;
	level_dbov: number;
	cpu_us: number;
	quality: Quality | null;
	peer_quality: Quality | null;
}

export interface Member {
	id: number;
	uri: string;
	name: string;
	role: Role;
	muted: boolean;
	muted_by_host: boolean;
	deaf: boolean;
	hold: boolean;
	hand: boolean;
	talking: boolean;
	dialed_out: boolean;
	waiting?: string | null;
	gain_db: number;
	click: boolean;
	click_db: number;
	click_sync?: 'room' | 'ear' | 'mix';
	buffer?: number;
	redundant?: boolean;
	section?: string | null;
	controller?: string | null;
	pan: number;
	since_ms: number;
	media?: Media | null;
}

export interface Room {
	room: string;
	version: number;
	created_ms: number;
	locked: boolean;
	muted_all: boolean;
	profile: 'voice' | 'music';
	persistent: boolean;
	recording: string;
	speaker: { id: number; name: string } | null;
	sections?: Record<string, number>;
	tempo?: { bpm: number; beats: number; running: boolean; beat: number; count_in?: number; origin: number | null; follow: { id: number; name: string } | null };
	title: string;
	settings: Record<string, string>;
	has_host_pin: boolean;
	has_guest_pin: boolean;
	hours: 'open' | 'before' | 'over';
	starts_ms: number | null;
	ends_ms: number | null;
	members: Member[];
}

export interface RoomLine {
	room: string;
	title: string;
	members: number;
	waiting: number;
	locked: boolean;
	muted_all: boolean;
	profile: string;
	recording: string;
	version: number;
	created_ms: number;
	persistent: boolean;
}

export interface HouseEvent {
	number: number;
	room: string;
	version: number;
	type: string;
	at_ms: number;
	detail: string;
	member: Member | null;
	levels?: [number, number][];
	delay?: { from: number; to: number; ms: number; bound_ms: number; over: boolean };
}

/* One half of a member's delays: its sum, and its parts by name; null: not known. */
export interface DelayHalf {
	ms: number;
	whole: boolean;
	[part: string]: number | boolean | null;
}

export interface MemberDelays {
	id: number;
	name: string;
	uri: string;
	to_mix: DelayHalf;
	from_mix: DelayHalf;
}

export interface Delays {
	room: string;
	at_ms: number;
	bound_ms: number;
	watched: boolean;
	members: MemberDelays[];
	delays: [from: number, to: number, ms: number, whole: boolean, warned: boolean][];
}

export interface SettingInfo {
	name: string;
	type: string;
	default: string;
	help: string;
	choices?: string[];
	min?: number;
	max?: number;
	secret?: boolean;
}

export interface RecordingFile {
	name: string;
	bytes: number;
}

export interface Recording {
	id: string;
	room: string;
	by: string;
	state: string;
	start_ms: number;
	end_ms: number | null;
	bytes: number;
	files: RecordingFile[];
}

export interface Call {
	id: number;
	from: string;
	from_name: string;
	to: string;
	room: string;
	role: string;
	why: string;
	codec: string;
	outgoing: boolean;
	start_ms: number;
	answer_ms: number | null;
	end_ms: number;
	status: number;
	rx_packets: number;
	lost: number;
	late: number;
	mos: number;
	rtt_us: number | null;
}

export interface Ban {
	uri: string;
	at_ms: number;
}

/* A view of the page: what the router shows, and takes down again. */
export interface View {
	el: HTMLElement;
	title: string;
	/* The rest of the address changed within the same view. */
	go?(rest: string[]): void;
	end(): void;
}

/* Who is signed in. */
export interface Session {
	name: string;
	scope: 'read' | 'control' | 'admin';
	room: string | null;
}

/* What a verb is sent with. */
export type Arguments = Record<string, string | number | boolean | Record<string, string>>;
