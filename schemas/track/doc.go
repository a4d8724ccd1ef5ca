// Package track is the vocabulary that every part of Streamgauge shares: ids, facts about runs, commands
// that change documents, and errors. It does no input or output.
package track
