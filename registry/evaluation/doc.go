// Package evaluation decides on what MLflow's evaluations of language models keep on a server: datasets with their
// records, and scorers. It is pure.
//
//	evaldata.<id>              one dataset: name, tags, experiments, the fields of its records
//	evalrecords.<id>           all its records, written with the dataset in one atomic batch
//	scorers.<experiment id>    all scorers of an experiment with all their versions
//
// The records of a dataset are one document, for they are few (a person or a model has to judge each) and are always
// read whole; the bounds keep it far below what one batch takes. None of it is projected into ClickHouse: what is
// searched are the datasets without their records. Scorers are texts of MLflow's client; nothing here runs them.
package evaluation

import (
	"github.com/streamgauge/streamgauge/schemas/track"
)

// What a dataset and the scorers of an experiment may hold.
const (
	// NameMax is MLflow's column, in characters.
	NameMax         = 255
	tagsMax         = 1000
	RecordsMax      = 20_000
	recordsBytesMax = 16 << 20
	scorersBytesMax = 16 << 20
	// scorerVersionBytes is about what a version takes beside its text.
	scorerVersionBytes = 64
	// experimentsMax keeps a request below the documents that one step of the journal may read; experimentIDMax bytes
	// are more than any id has.
	experimentsMax  = 400
	experimentIDMax = 64
	// tagsBytesMax and schemaBytesMax bound a dataset's tags and its schema: searches hold both of all datasets.
	tagsBytesMax   = 256 << 10
	schemaBytesMax = 256 << 10
)

func invalid(format string, args ...any) error {
	return track.Errorf(track.InvalidParameterValue, format, args...)
}

func missing(format string, args ...any) error {
	return track.Errorf(track.ResourceDoesNotExist, format, args...)
}
