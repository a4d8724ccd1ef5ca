#!/bin/sh
# One run from beginning to end with nothing but curl, against the server that MLFLOW_TRACKING_URI names. Prints the
# run as it is read back, the history of its metric, and what a search finds: three lines of JSON.
set -eu

name=${1:-clients-curl}
api=${MLFLOW_TRACKING_URI:?names the server}/api/2.0/mlflow

post() {
	curl -sS --fail-with-body "$api/$1" -H 'Content-Type: application/json' -d "$2"
}

get() {
	curl -sS --fail-with-body "$api/$1"
}

# text FIELD prints the first value of a field of the JSON that comes in.
text() {
	tr -d '\n' | sed -E "s/.*\"$1\": *\"([^\"]*)\".*/\1/"
}

now() {
	echo "$(date +%s)000"
}

experiment=$(post experiments/create "{\"name\": \"$name\"}" | text experiment_id)
run=$(post runs/create "{\"experiment_id\": \"$experiment\", \"start_time\": $(now)}" | text run_id)

{
	post runs/log-parameter "{\"run_id\": \"$run\", \"key\": \"lr\", \"value\": \"0.01\"}"
	step=0
	for loss in 1.0 0.5 0.25; do
		post runs/log-metric \
			"{\"run_id\": \"$run\", \"key\": \"loss\", \"value\": $loss, \"timestamp\": $(now), \"step\": $step}"
		step=$((step + 1))
	done
	post runs/set-tag "{\"run_id\": \"$run\", \"key\": \"client\", \"value\": \"curl\"}"
	post runs/update "{\"run_id\": \"$run\", \"status\": \"FINISHED\", \"end_time\": $(now)}"
} >/dev/null

get "runs/get?run_id=$run"
echo
get "metrics/get-history?run_id=$run&metric_key=loss"
echo
post runs/search "{\"experiment_ids\": [\"$experiment\"], \"filter\": \"metrics.loss < 0.3\"}"
echo
