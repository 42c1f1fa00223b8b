#!/bin/sh
# Includes go down only. tests/check-layers.sh [ROOT]; --self-test shows that it can fail.
#
#     server ---> osc      web        a face never includes another, but a call has gesture lines; server/main.c alone
#          \       |       /          knows every part
#               control
#                 |
#               mixer
#
# A slash in an include is a border crossed: the folder must lie below, and the header must be one of its doors.
# An include without a slash is a neighbour. The client stands at the other end of the wire: it uses mixer, osc and the
# session layer, and of control only its loop, wheel and log.
set -u

below() { # FOLDER: the folders it may include
	case $1 in
	mixer) ;;
	control) echo mixer ;;
	osc | web) echo control mixer ;;
	# A gesture line is a line of a SIP call: the call hands what it agreed on to the relay.
	server) echo osc control mixer ;;
	client) echo mixer osc server control ;;
	main) echo server osc web control mixer ;;
	esac
}

doors() { # FOLDER: the headers others may include
	case $1 in
	# tap: a room's sound to who records it; limiter holds that under full scale.
	# resample and tune are plain arithmetic: control brings the music of who is alone to 48 kHz with them.
	# rtp is headers and arithmetic: osc reads and writes packets of its own with it.
	# port, seal, rtcp: osc's lines have sockets, SRTP and reports as the sound has. rtguard: its thread keeps the same word.
	# beat is arithmetic: control says what the beat is, osc sends it.
	# card: the client's engine is turned by its sound card.
	# dtlskey, dtlspath: keys of sound and of gestures are agreed on the same way; calls and lines hand its datagrams in.
	# fingerprint: of certificates, also those of lines of TLS.
	mixer) echo mixer.h card.h dtlskey.h dtlspath.h dtlsring.h fingerprint.h ring.h codec.h resample.h rtp.h tune.h tap.h limiter.h port.h seal.h rtcp.h rtguard.h beat.h ;;
	# sound: main gives the lonely music back when no bus reads it any more.
	# record: main makes it and hands it its news.
	# setting: the settings of a room, for those who draw forms of them.
	# keypad: the codes are settings. prompt, spoken, ivr: main gives them their folder, a call asks with them.
	# store: main opens it, the web thread reads calls and recordings. cdr: a call tells its record, the web prints it.
	# delay: the parts of a delay, for those who write them down.
	control) echo control.h command.h event.h snapshot.h delay.h loop.h log.h wheel.h sound.h store.h keypad.h prompt.h spoken.h ivr.h callname.h cdr.h setting.h record.h census.h ;;
	# auth: the client answers challenges of its server. callkeys: its calls have keys as the server's have.
	server) echo session.h sip.h offer.h callkeys.h auth.h ;;
	# relay: players and lines. gestline: what was agreed on for a line, as a value.
	# desk: main joins relay and control with it; the map of a surface is a setting. roomports: main opens them.
	# osc, bridge, sharedclock: the client's end of a line speaks to programs and instruments. gest, kind, oscrate, midi_merge are
	# pure: what a message is, how many may go, several players on one instrument.
	osc) echo desk.h relay.h gestline.h roomports.h osc.h bridge.h sharedclock.h gest.h kind.h oscrate.h midi_merge.h ;;
	web) echo web.h ;;
	esac
}

has() { # WORD WORD...
	word=$1
	shift
	for w in "$@"; do [ "$w" != "$word" ] || return 0; done
	return 1
}

complain() {
	echo "$file:$line: $1" >&2
	bad=1
}

check_include() { # TARGET
	case $1 in
	../* | */../* | */*/*) complain "$1: a path out of the folder" ;;
	*/*)
		to=${1%%/*}
		# shellcheck disable=SC2046 # words
		if ! has "$to" $(below "$layer"); then
			complain "$1: $layer must not know $to"
		elif ! has "${1#*/}" $(doors "$to"); then
			complain "$1: not a door of $to"
		elif [ ! -f "$1" ]; then
			complain "$1: no such header"
		fi
		;;
	*)
		[ -f "${file%/*}/$1" ] || complain "$1: not in ${file%/*}; write the folder when a border is crossed"
		;;
	esac
}

is_dtls() {
	case $1 in mixer/dtlscert.c | mixer/dtlshake.c | mixer/dtlskey.c | mixer/fingerprint.c) ;; *) return 1 ;; esac
}

# The libraries a layer must not know, so that XML, JSON and HTTP stay in the faces.
check_library() { # TARGET
	case $layer:$1 in
	web:libsoup/* | web:json-glib/* | web:glib* | web:gio/*) ;;
	*:libsoup/* | *:json-glib/* | *:glib.h | *:glib/* | *:gio/*) complain "<$1>: only web knows it" ;;
	control:sqlite3.h) ;;             # the store; main and the faces see store.h
	*:sqlite3.h) complain "<$1>: only control's store knows it" ;;
	osc:avahi-*) ;;                   # DNS-SD (dnssd.c)
	*:avahi-*) complain "<$1>: only osc knows it" ;;
	control:gst/gst.h) ;;             # encoders of recordings (recfile.c)
	*:gst/*) complain "<$1>: only control knows it" ;;
	mixer:openssl/sha.h) ;;           # SRTP tags (seal.c)
	# Keys by DTLS, whose certificates are the media's own and stand for nothing but their fingerprint (dtlscert.c).
	mixer:openssl/*) is_dtls "$file" || complain "<$1>: certificates and keys are the server's" ;;
	# PINs are compared where rooms are (pin.c).
	control:openssl/crypto.h | control:openssl/evp.h | control:openssl/rand.h) ;;
	control:openssl/*) complain "<$1>: certificates and keys are the server's" ;;
	esac
}

check_tree() {
	bad=0
	for file in mixer/*.[ch] control/*.[ch] server/*.[ch] osc/*.[ch] web/*.[ch] client/*.[ch]; do
		[ -f "$file" ] || continue
		layer=${file%%/*}
		[ "$file" != server/main.c ] || layer=main
		found=$(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]' "$file" |
			sed -E 's/^([0-9]+):[^"<]*(["<][^">]*)[">].*/\1:\2/')
		IFS='
'
		for entry in $found; do
			unset IFS
			line=${entry%%:*}
			target=${entry#*:}
			case $target in
			\"*) check_include "${target#\"}" ;;
			\<*) check_library "${target#<}" ;;
			esac
		done
		unset IFS
	done
	return $bad
}

# One wrong include at a time, each of which must be found; and a right tree, which must pass.
self_test() {
	self=$(realpath "$0")
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	n=0
	try() { # EXPECTED FILE INCLUDE
		rm -rf "${tmp:?}/t"
		mkdir -p "$tmp/t/mixer" "$tmp/t/control" "$tmp/t/server" "$tmp/t/web" "$tmp/t/osc"
		for h in mixer/mixer.h mixer/rtp.h mixer/leg.h control/control.h control/room.h server/session.h server/focus.h web/web.h osc/relay.h; do
			: >"$tmp/t/$h"
		done
		echo "#include $3" >"$tmp/t/$2"
		(sh "$self" "$tmp/t" >/dev/null 2>&1)
		if [ $? != "$1" ]; then
			echo "check-layers: $2 with $3 should give $1" >&2
			exit 1
		fi
		n=$((n + 1))
	}
	try 0 control/a.c '"mixer/mixer.h"'
	try 0 control/a.c '"room.h"'
	try 0 server/main.c '"web/web.h"'
	try 0 web/a.c '<libsoup/soup.h>'
	try 1 mixer/a.c '"control/control.h"'
	try 1 control/a.c '"server/session.h"'
	try 1 server/a.c '"web/web.h"'
	try 1 web/a.c '"server/session.h"'
	try 1 osc/a.c '"web/web.h"'
	try 0 osc/a.c '"mixer/rtp.h"'
	try 1 osc/a.c '"mixer/leg.h"'
	try 1 control/a.c '"mixer/leg.h"'
	try 1 server/a.c '"control/room.h"'
	try 1 server/a.c '"room.h"'
	try 1 control/a.c '"../mixer/mixer.h"'
	try 1 control/a.c '"mixer/none.h"'
	try 1 mixer/a.c '<glib.h>'
	try 1 mixer/a.c '<openssl/ssl.h>'
	try 0 mixer/dtlshake.c '<openssl/ssl.h>'
	try 1 server/a.c '<libsoup/soup.h>'
	try 0 control/a.c '<sqlite3.h>'
	try 1 web/a.c '<sqlite3.h>'
	echo "check-layers: self-test of $n trees"
}

if [ "${1:-}" = --self-test ]; then
	self_test
else
	cd "${1:-$(dirname "$0")/..}" || exit 1
	check_tree
fi
