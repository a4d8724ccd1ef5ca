// Package mlflow is MLflow's REST vocabulary: statuses of error codes, limits, requests and JSON shapes, as
// its server 3.17 has them.
package mlflow

import (
	"errors"
	"net/http"
	"strings"

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
	w.Str(strings.ToValidUTF8(e.Message, "\uFFFD")) // it may quote what came in an address
	if state, class := classOf(e); state != "" {
		w.FieldStart("sqlstate")
		w.Str(state)
		w.FieldStart("error_class")
		w.Str(class)
	}
	w.ObjEnd()
	return Status(e.Code), w.Bytes(), e.RetryAfterSeconds
}

// The states of SQL that MLflow's mlflow/error_classification.py gives: mistakes of the caller and of the server.
const (
	stateCaller    = "KAM00"
	stateAttribute = "KAM04"
	stateServer    = "XXM00"
)

// classOf is the SQL state and the class that MLflow's server names beside an error; "" for codes that have none.
func classOf(e *track.Error) (state, class string) {
	if e.NoAttribute {
		return stateAttribute, "ATTRIBUTE_NOT_FOUND"
	}
	switch e.Code {
	case track.InvalidParameterValue, track.BadRequest:
		return stateCaller, "INVALID_PARAMETER_VALUE"
	case track.ResourceDoesNotExist, track.EndpointNotFound:
		return stateCaller, "RESOURCE_NOT_FOUND"
	case track.ResourceAlreadyExists, track.PermissionDenied:
		return stateCaller, string(e.Code)
	case track.InternalError, track.InvalidState, track.TemporarilyUnavailable:
		return stateServer, "CLIENT_INTERNAL_ERROR"
	}
	return "", ""
}
