#!/bin/sh
# Refer, read receipts, follow and replay with the `nats` command line (written for natscli 0.4 and 0.5) and jq:
#
#     sh agency.sh refer referrals.jsonl      each line is a referral; told by the broker's PubAck, which is no acceptance
#     sh agency.sh receipts receipts.jsonl    append the receipts that wait, one a line, and end
#     sh agency.sh follow events.log          append events with their headers as they come, until somebody ends this
#     sh agency.sh replay 2026-11-01T00:00:00Z [agency.sheltered.v1 ...]   print what was said since then, and end
#
# What is read is appended to the file before it is acknowledged: killed and started again, this goes on, and an event may be there twice under one ce-id.
# NAUNGAN_NATS, NAUNGAN_AGENCY and NAUNGAN_PASSWORD say where and who; with an NKEY take --nkey FILE in place of --user and --password.
set -eu

# `--no-templates`, because the command line otherwise takes {{ }} in what you send for a program of its own.
n() {
    command nats --server "$NAUNGAN_NATS" --user "$NAUNGAN_AGENCY" --password "$NAUNGAN_PASSWORD" --inbox-prefix "_INBOX_$NAUNGAN_AGENCY" --timeout 5s "$@"
}

refer() {
    while IFS= read -r referral || [ -n "$referral" ]; do
        # Until the broker has it. Whose receipt does not come is sent again, with the same reference: run this again.
        until n publish --jetstream --no-templates "referral.$NAUNGAN_AGENCY.submitted.v1" "$referral"; do sleep 1; done
    done < "$1"
}

receipts() {
    while n consumer next RECEIPTS "agency-$NAUNGAN_AGENCY" --raw --ack >> "$1"; do :; done 2> /dev/null
    # When nothing waits any more an empty line says so.
    sed -i '/^$/d' "$1"
}

follow() {
    while :; do n consumer next AGENCIES "agency-$NAUNGAN_AGENCY" --ack >> "$1" 2> /dev/null || sleep 1; done
}

replay() {
    since=$1
    shift
    question=$(jq -nc --arg since "$since" '{since: $since, types: $ARGS.positional}' --args -- "$@")
    while [ -n "$question" ]; do
        page=$(n request --raw --no-templates "feed.$NAUNGAN_AGENCY.replay" "$question") || page=
        case $(printf '%s' "$page" | jq -r '.status // "page"' || echo 503) in
            page)
                printf '%s\n' "$page" | jq -c '.events[].event'
                question=$(printf '%s' "$page" | jq -c --argjson asked "$question" 'if .more then {after: .position, types: $asked.types} else empty end')
                ;;
            429 | 503 | "") sleep 1 ;; # another question of yours is being answered, or nobody answers just now
            *)
                printf '%s\n' "$page" >&2
                exit 1
                ;;
        esac
    done
}

"$@"
