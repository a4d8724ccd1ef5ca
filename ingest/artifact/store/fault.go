package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"gocloud.dev/gcerrors"

	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// spaceRetrySeconds is Retry-After of a full disk: it needs a person.
	spaceRetrySeconds = 5
	// awayRetrySeconds is Retry-After of an object store that does not answer.
	awayRetrySeconds = 2
)

// errBroken: the client sent less than it said.
var errBroken = errors.New("the upload broke off")

// Broken is an upload that ended before its length was there.
func Broken(came, length int64) error {
	return fmt.Errorf("%w: %d of %d bytes came", errBroken, came, length)
}

// Fault says what an error of a store means to a client.
func Fault(what, p string, err error) error {
	var refusal *track.Error
	switch {
	case errors.As(err, &refusal):
		return err
	case gcerrors.Code(err) == gcerrors.NotFound:
		return Missing(p)
	case errors.Is(err, errBroken) || errors.Is(err, io.ErrUnexpectedEOF):
		return track.Errorf(track.BadRequest, "%s artifact '%s': %v", what, p, err)
	case refers(err, syscall.ENOSPC, syscall.EDQUOT):
		return track.Unavailable(track.TemporarilyUnavailable, spaceRetrySeconds, "the disk is full: %s artifact '%s'", what, p)
	case refers(err, syscall.ENOTDIR, syscall.EISDIR, syscall.EEXIST):
		return track.Errorf(track.InvalidParameterValue, "Invalid path: '%s' or a folder above it is a file, or a folder is in its place", p)
	case refers(err, syscall.ENAMETOOLONG):
		return track.Errorf(track.InvalidParameterValue, "Invalid path: '%s' is too long", p)
	case gcerrors.Code(err) == gcerrors.PermissionDenied:
		// Not a client's right but the server's: repeating it changes nothing, so it is no 5xx.
		return track.Errorf(track.PermissionDenied, "The artifact store does not let this server %s '%s': %v", what, p, err)
	case errors.Is(err, context.DeadlineExceeded) || refers(err, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EHOSTUNREACH, syscall.ENETUNREACH):
		return track.Unavailable(track.TemporarilyUnavailable, awayRetrySeconds, "the artifact store does not answer: %s artifact '%s': %v", what, p, err)
	}
	return fmt.Errorf("%s artifact %s: %w", what, p, err)
}

// refers looks for an error number. Errors of the file store do not unwrap all the way, so its text counts too.
func refers(err error, numbers ...syscall.Errno) bool {
	for _, n := range numbers {
		if errors.Is(err, n) || strings.HasSuffix(err.Error(), n.Error()) {
			return true
		}
	}
	return false
}
