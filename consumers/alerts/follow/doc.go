// Package follow judges by alert rules what the logs bring, exactly once over restarts.
//
//	lane ---> own reader -> Intake (drops repeats) --+
//	runs' documents ------> signs of life, states ---+-> Evaluator -> events stored -> snapshot, now and then
//	clock ----------------> silences ----------------+
//
// It reads the lanes by itself, behind their owners, so that no lane ever waits for it; without an enabled rule it reads
// nothing. One lock guards judging together with storing: whatever a snapshot knows of is stored. A crash anywhere repeats
// the reading from the last snapshot, which finds the same events under the same ids, and the store has each once.
//
// How a reader knows the repeats of an earlier place of a log: every batch in ClickHouse says what was seen of its writers, so
// it starts at the end of the last batch before the snapshot, and passes over what the snapshot has judged.
package follow
