package mlflow_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/schemas/mlflow"
)

func TestReadBody(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		length int
		want   error
	}{
		"announced":             {"12345", 5, nil},
		"not announced":         {"12345", -1, nil},
		"announced too long":    {"123456", 6, mlflow.ErrBodyTooLarge},
		"too long":              {"123456", -1, mlflow.ErrBodyTooLarge},
		"cut short":             {"123", 5, io.ErrUnexpectedEOF},
		"nothing of what comes": {"", 5, io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := mlflow.ReadBody(strings.NewReader(c.body), c.length, 5)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && string(got) != c.body {
				t.Errorf("got %q, want %q", got, c.body)
			}
		})
	}
}
