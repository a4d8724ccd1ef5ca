package parse

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// nestingMax: a text that holds JSON is decoded once more, as the R client sends it, but not for ever.
const nestingMax = 2

// object reads the fields of a request's body. An empty body is an empty object.
func object(body []byte, field func(d *jx.Decoder, name []byte) error) error {
	if !utf8.Valid(body) {
		return notJSON(errors.New("it is not UTF-8"))
	}
	body = quoteBareNumbers(body)
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	for range nestingMax {
		body = bytes.TrimSpace(body)
		if len(body) == 0 {
			return nil
		}
		d.ResetBytes(body)
		if d.Next() != jx.String {
			break
		}
		inner, err := d.StrBytes()
		if err == nil {
			err = atEnd(d)
		}
		if err != nil {
			return notJSON(err)
		}
		body = quoteBareNumbers(bytes.Clone(inner))
	}
	if d.Next() != jx.Object {
		return notJSON(errors.New("it does not begin with {"))
	}
	err := d.ObjBytes(field)
	if err == nil {
		err = atEnd(d)
	}
	var refusal *track.Error
	if err != nil && !errors.As(err, &refusal) {
		return notJSON(err)
	}
	if err != nil {
		return refusal
	}
	return nil
}

// atEnd makes sure that nothing follows the value that was read.
func atEnd(d *jx.Decoder) error {
	if d.Next() == jx.Invalid {
		if err := d.Skip(); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
	}
	return errors.New("something follows its end")
}

func notJSON(err error) error {
	return track.Errorf(track.BadRequest, "The request body is not a JSON object: %v", err)
}

// quoteBareNumbers makes texts of NaN, Infinity and -Infinity where they stand bare: Python's json writes them
// so, JSON does not know them. A body without them is answered as it is.
func quoteBareNumbers(body []byte) []byte {
	if !bytes.Contains(body, []byte("NaN")) && !bytes.Contains(body, []byte("Infinity")) {
		return body
	}
	out := make([]byte, 0, len(body)+len(body)/8)
	for i := 0; i < len(body); {
		n, word := 1, false
		switch body[i] {
		case '"':
			n = textEnd(body[i:])
		case 'N', 'I', '-':
			for _, w := range []string{"NaN", "Infinity", "-Infinity"} {
				if bytes.HasPrefix(body[i:], []byte(w)) {
					n, word = len(w), true
				}
			}
		}
		if word {
			out = append(out, '"')
		}
		out = append(out, body[i:i+n]...)
		if word {
			out = append(out, '"')
		}
		i += n
	}
	return out
}

// textEnd is the length of the JSON text that b begins with, all of b if it does not end.
func textEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}
