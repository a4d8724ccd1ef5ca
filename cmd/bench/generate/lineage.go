package generate

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
)

const (
	lineageInputs  = 9
	lineageOutputs = 10
	// LineageEdges are those of one event, with that from its job.
	LineageEdges = 1 + lineageInputs + lineageOutputs
	// LineageWindow is how many runs back a source is read: every source by one run, more or less.
	LineageWindow = 10_000
)

// LineageEvent is of a job that reads what runs before it wrote.
func LineageEvent(n int64) []byte {
	type data struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	}
	source := func(i int64) data { return data{"s3://lake", "warehouse/table-" + strconv.FormatInt(i, 10)} }
	r := rand.New(rand.NewPCG(uint64(n), 1))
	var inputs, outputs []data
	for range lineageInputs {
		inputs = append(inputs, source(r.Int64N(LineageWindow*lineageOutputs)+max(n-LineageWindow, 0)*lineageOutputs))
	}
	for i := range int64(lineageOutputs) {
		outputs = append(outputs, source(n*lineageOutputs+i))
	}
	body, _ := json.Marshal(map[string]any{ // texts and lists always encode
		"eventType": "COMPLETE", "eventTime": "2026-03-01T12:00:00Z", "producer": "bench", "run": map[string]string{"runId": strconv.FormatInt(n, 10)},
		"job": data{"bench", "job-" + strconv.FormatInt(n%100, 10)}, "inputs": inputs, "outputs": outputs,
	})
	return body
}
