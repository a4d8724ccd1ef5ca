package mlflow

import (
	"errors"
	"io"
)

// ErrBodyTooLarge: a request's body is longer than its route takes.
var ErrBodyTooLarge = errors.New("the request body is too large")

// ReadBody reads a body that streams in, of at most bytesMax. length is what the client announced, negative if
// it did not. An error but ErrBodyTooLarge is the connection's.
func ReadBody(stream io.Reader, length, bytesMax int) ([]byte, error) {
	if length > bytesMax {
		return nil, ErrBodyTooLarge
	}
	if length >= 0 {
		b := make([]byte, length)
		if _, err := io.ReadFull(stream, b); err != nil {
			return nil, cutShort(err)
		}
		return b, nil
	}
	b, err := io.ReadAll(io.LimitReader(stream, int64(bytesMax)+1))
	if err != nil {
		return nil, cutShort(err)
	}
	if len(b) > bytesMax {
		return nil, ErrBodyTooLarge
	}
	return b, nil
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
