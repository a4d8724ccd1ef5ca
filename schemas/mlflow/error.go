// Package mlflow is MLflow's REST vocabulary: statuses of error codes, limits, requests and JSON shapes, as
// its server 3.17 has them.
package mlflow

import (
	"errors"
	"net/http"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// Level is the MLflow version whose API is served; clients parse it.
const Level = "3.17.2"

// Status is the HTTP status that goes with a code.
func Status(code track.Code) int {
	switch code {
	case track.InvalidParameterValue, track.BadRequest, track.ResourceAlreadyExists:
		return http.StatusBadRequest
	case track.Unauthenticated:
		return http.StatusUnauthorized
	case track.PermissionDenied:
		return http.StatusForbidden
	case track.ResourceDoesNotExist, track.EndpointNotFound:
		return http.StatusNotFound
	case track.Aborted:
		return http.StatusConflict
	case track.ResourceExhausted, track.RequestTooLarge:
		return http.StatusTooManyRequests
	case track.NotImplemented:
		return http.StatusNotImplemented
	case track.TemporarilyUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// ErrorBody encodes an error as MLflow does. Errors without a code are internal; their text is shown, for
// the reader is most often their operator.
func ErrorBody(err error) (status int, body []byte, retryAfterSeconds int) {
	var e *track.Error
	if !errors.As(err, &e) {
		e = &track.Error{Code: track.InternalError, Message: err.Error()}
	}
	var w jx.Encoder
	w.ObjStart()
	w.FieldStart("error_code")
	w.Str(string(e.Code))
	w.FieldStart("message")
	w.Str(e.Message)
	w.ObjEnd()
	return Status(e.Code), w.Bytes(), e.RetryAfterSeconds
}
