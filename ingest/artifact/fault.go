package artifact

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"gocloud.dev/gcerrors"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// spaceRetrySeconds is Retry-After of a full disk: it needs a person.
const spaceRetrySeconds = 5

// errBroken: the client sent less than it said.
var errBroken = errors.New("the upload broke off")

// fault says what an error of the file system means to a client.
func fault(what, p string, err error) error {
	var refusal *track.Error
	switch {
	case errors.As(err, &refusal):
		return err
	case gcerrors.Code(err) == gcerrors.NotFound:
		return track.Errorf(track.ResourceDoesNotExist, "No such artifact: '%s'", p)
	case errors.Is(err, errBroken) || errors.Is(err, io.ErrUnexpectedEOF):
		return track.Errorf(track.BadRequest, "%s artifact '%s': %v", what, p, err)
	case refers(err, syscall.ENOSPC, syscall.EDQUOT):
		return track.Unavailable(track.TemporarilyUnavailable, spaceRetrySeconds, "the disk is full: %s artifact '%s'", what, p)
	case refers(err, syscall.ENOTDIR, syscall.EISDIR, syscall.EEXIST):
		return track.Errorf(track.InvalidParameterValue, "Invalid path: '%s' or a folder above it is a file, or a folder is in its place", p)
	case refers(err, syscall.ENAMETOOLONG):
		return track.Errorf(track.InvalidParameterValue, "Invalid path: '%s' is too long", p)
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
