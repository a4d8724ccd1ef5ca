package clickhouse

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/streamgauge/streamgauge/schemas/table"
)

// lasting are codes of errors that stay until somebody mends them: a batch does not fit the table, or the
// user may not write.
var lasting = []proto.Error{
	6, 16, 20, 27, 38, 41, 43, 44, 47, 53, 60, 72, 81, 117, 164, 192, 193, 194, 195, 321, 349, 497, 516,
}

// Lasting says whether an error of ClickHouse stays until somebody mends it. A batch is never given up for
// it: the lane waits and says so.
func Lasting(err error) bool {
	var e *ch.Exception
	return errors.As(err, &e) && slices.Contains(lasting, e.Code)
}

// Passing says whether an error of ClickHouse is known to end by itself. What is neither passing nor lasting
// is unknown, and tried again too.
func Passing(err error) bool {
	var e *ch.Exception
	return !errors.As(err, &e) || table.Passing(e.Code)
}

// explain adds to an exception what it means for the loop.
func explain(err error) error {
	var e *ch.Exception
	switch {
	case !errors.As(err, &e) || Passing(err):
		return err
	case Lasting(err):
		return fmt.Errorf("ClickHouse refuses until it is mended (code %d): %w", e.Code, err)
	}
	return fmt.Errorf("ClickHouse says what we do not know (code %d): %w", e.Code, err)
}
