// Package refusal says in words of ours what ClickHouse says of a user's statement.
package refusal

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/streamgauge/streamgauge/schemas/table"
	"github.com/streamgauge/streamgauge/schemas/track"

	"github.com/ClickHouse/ch-go/proto"
)

// expectedBytesMax is how much is shown of what could have stood at a mistake; the list may name all of SQL.
const expectedBytesMax = 200

// retryAfterSeconds is when an engine that was busy may be asked again.
const retryAfterSeconds = 1

// retryQuotaSeconds: a quota is of an hour, and most of what was used falls out of it step by step.
const retryQuotaSeconds = 60

// Unavailable is what failed because ClickHouse does not answer; an engine that ended is back in a second or two.
func Unavailable(what string, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return track.Unavailable(track.TemporarilyUnavailable, retryAfterSeconds, "%s: ClickHouse does not answer (%v); try again", what, err)
}

var (
	codeOf     = regexp.MustCompile(`^Code: (\d+)\.`)
	positionOf = regexp.MustCompile(`failed at position (\d+)`)
	expected   = regexp.MustCompile(`(?s)Expected one of: .*`)
)

// remedies are our sentence beside ClickHouse's, by its code (src/Common/ErrorCodes.cpp).
var remedies = map[int]struct {
	code   track.Code
	remedy string
}{
	46:  {track.InvalidParameterValue, "There is no such function"},
	47:  {track.InvalidParameterValue, "There is no such column; DESCRIBE sg.<view> lists them with their meanings"},
	60:  {track.InvalidParameterValue, "There is no such view; SHOW TABLES FROM sg lists them"},
	62:  {track.InvalidParameterValue, "The statement cannot be read"},
	81:  {track.InvalidParameterValue, "There is no such database; the views are in database sg"},
	158: {track.InvalidParameterValue, "The query reads too many rows: name the runs and keys, or ask sg.metrics_rollup"},
	307: {track.InvalidParameterValue, "The query reads too many bytes: name the runs, the keys and the columns that you need"},
	396: {track.InvalidParameterValue, "The answer is too large: ask for less, with LIMIT or an aggregate"},
	159: {track.InvalidParameterValue, "The query took too long: ask for less, with a filter or an aggregate"},
	160: {track.InvalidParameterValue, "The query would take too long: ask for less, with a filter or an aggregate"},
	164: {track.PermissionDenied, "SQL only reads here, and its settings are fixed"},
	452: {track.PermissionDenied, "SQL only reads here, and its limits are fixed"},
	497: {track.PermissionDenied, "SQL only reads here, and from the views of database sg: nothing else of the engine, of files or of the network"},
	358: {track.PermissionDenied, "SQL writes no files; --format parquet or csv give the answer as one"},
	395: {track.InvalidParameterValue, "The query refused to go on"},
	201: {track.ResourceExhausted, "Too much was asked within the last hour"},
	202: {track.ResourceExhausted, "Too many queries run at this moment; try again"},
}

// memoryCode is ClickHouse's for memory, both of the query and of the engine.
const memoryCode = 241

// Of makes an error of what ClickHouse says about a user's statement, which was sent behind a prefix.
func Of(prefix, statement, said string) error {
	code := 0
	if m := codeOf.FindStringSubmatch(said); m != nil {
		code, _ = strconv.Atoi(m[1]) // digits, and few: else it is a code that we do not know
	}
	said = expected.ReplaceAllStringFunc(said, shorten)
	r, known := remedies[code]
	switch {
	case code == memoryCode && strings.Contains(said, "(for query)") || code == memoryCode && strings.Contains(strings.ToLower(said), "query memory limit"):
		return track.Errorf(track.InvalidParameterValue, "The query needs too much memory: ask for less, or group by fewer columns. ClickHouse: %s", said)
	case known && r.code == track.ResourceExhausted:
		return track.Unavailable(r.code, retryQuotaSeconds, "%s. ClickHouse: %s", r.remedy, said)
	case known:
		return track.Errorf(r.code, "%s%s. ClickHouse: %s", r.remedy, place(prefix, statement, said), said)
	case table.Passing(proto.Error(code)):
		return track.Unavailable(track.TemporarilyUnavailable, retryAfterSeconds, "ClickHouse cannot answer now; try again. ClickHouse: %s", said)
	}
	return track.Errorf(track.InvalidParameterValue, "ClickHouse: %s", said)
}

// place says where a mistake is, in lines and characters from 1; "" if ClickHouse does not tell.
func place(prefix, statement, said string) string {
	m := positionOf.FindStringSubmatch(said)
	if m == nil {
		return ""
	}
	at, err := strconv.Atoi(m[1])
	at -= len(prefix)
	if err != nil || at < 1 || at > len(statement)+1 {
		return ""
	}
	before := statement[:at-1]
	line := strings.Count(before, "\n")
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return fmt.Sprintf(" (line %d, column %d)", line+1, column+1)
}

// shorten cuts a list between two of its words.
func shorten(list string) string {
	if len(list) <= expectedBytesMax {
		return list
	}
	cut := list[:expectedBytesMax]
	if i := strings.LastIndexByte(cut, ','); i > 0 {
		cut = cut[:i]
	}
	return cut + ", ..."
}
