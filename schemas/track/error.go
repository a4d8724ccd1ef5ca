package track

import (
	"errors"
	"fmt"
)

// Code is an error code as MLflow names it in its answers.
type Code string

// The codes that Streamgauge answers. Their HTTP statuses stand in package mlflow.
const (
	InvalidParameterValue  Code = "INVALID_PARAMETER_VALUE"
	BadRequest             Code = "BAD_REQUEST"
	ResourceAlreadyExists  Code = "RESOURCE_ALREADY_EXISTS"
	ResourceDoesNotExist   Code = "RESOURCE_DOES_NOT_EXIST"
	EndpointNotFound       Code = "ENDPOINT_NOT_FOUND"
	Unauthenticated        Code = "UNAUTHENTICATED"
	PermissionDenied       Code = "PERMISSION_DENIED"
	InvalidState           Code = "INVALID_STATE"
	Aborted                Code = "ABORTED"
	ResourceExhausted      Code = "RESOURCE_EXHAUSTED"
	NotImplemented         Code = "NOT_IMPLEMENTED"
	TemporarilyUnavailable Code = "TEMPORARILY_UNAVAILABLE"
	InternalError          Code = "INTERNAL_ERROR"
	DataLoss               Code = "DATA_LOSS"
	RequestTooLarge        Code = "REQUEST_LIMIT_EXCEEDED"
)

// Error is a refusal with a code that clients understand. Message names the field and the remedy.
type Error struct {
	Code    Code
	Message string
	// RetryAfterSeconds is set when the same request can succeed later.
	RetryAfterSeconds int
	// NoAttribute says that what was named is no attribute of what was asked for; MLflow classifies that apart.
	NoAttribute bool
}

func (e *Error) Error() string { return e.Message }

// Errorf makes an Error.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Unavailable makes an Error that tells the client to come back.
func Unavailable(code Code, retryAfterSeconds int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), RetryAfterSeconds: retryAfterSeconds}
}

// CodeOf finds the code of an error, InternalError if it has none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return InternalError
}

// Permanent says whether an error is a refusal that repeating cannot mend.
func Permanent(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case TemporarilyUnavailable, ResourceExhausted, InternalError, Aborted:
		return false
	}
	return true
}
