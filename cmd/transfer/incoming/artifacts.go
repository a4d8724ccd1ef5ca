package incoming

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"

	"github.com/streamgauge/streamgauge/cmd/transfer"
	"github.com/streamgauge/streamgauge/cmd/transfer/sheet"
)

var hexSum = regexp.MustCompile(`^[0-9a-f]{64}$`)

// artifacts puts files where none are.
func (l *load) artifacts(ctx context.Context) error {
	count := l.report.of("artifacts")
	err := sheet.Each(ctx, l.Dir, l.manifest.Table("artifacts"), func(r *sheet.Rows) error {
		path, sum := r.Texts("path"), r.Texts("sha256")
		if r.Err() != nil {
			return r.Err()
		}
		for i := range r.Len {
			if !hexSum.MatchString(sum(i)) {
				return fmt.Errorf("%w: %q is no SHA-256", errDamaged, sum(i))
			}
			if err := l.artifact(ctx, count, l.names.Path(path(i)), sum(i)); err != nil {
				return fmt.Errorf("artifact %s: %w", path(i), err)
			}
		}
		return nil
	})
	if err == nil && count.Created+count.Same+count.Refused > 0 {
		l.Tell("%-20s %8d new, %d there already, %d refused", "artifacts", count.Created, count.Same, count.Refused)
	}
	return err
}

func (l *load) artifact(ctx context.Context, count *Outcome, to, sum string) error {
	here, err := l.sumHere(ctx, to)
	switch {
	case err != nil:
		return err
	case here == sum:
		count.Same++
		return nil
	case here != "":
		count.Refused++
		l.refuse("artifacts", to, "Artifact "+to+" is there already and differs")
		return nil
	}
	from := filepath.Join(l.Dir, transfer.ArtifactsFolder, sum[:2], sum)
	if _, is, err := transfer.Sum(from); err != nil || is != sum {
		return fmt.Errorf("%w: the content in %s is not what its name says: %v", errDamaged, from, err)
	}
	count.Created++
	return transfer.Again(ctx, func() error {
		f, err := os.Open(from)
		if err != nil {
			return err
		}
		defer f.Close()
		answer, err := l.server.Send(ctx, http.MethodPut, transfer.ArtifactRoute(to), "application/octet-stream", f)
		if err != nil {
			return err
		}
		return answer.Close()
	})
}

// sumHere is the sum of a file of this server, "" if there is none.
func (l *load) sumHere(ctx context.Context, path string) (sum string, err error) {
	err = transfer.Again(ctx, func() error {
		answer, err := l.server.Send(ctx, http.MethodGet, transfer.ArtifactRoute(path), "", nil)
		if transfer.Absent(err) {
			return nil
		}
		if err != nil {
			return err
		}
		defer answer.Close()
		h := sha256.New()
		if _, err := io.Copy(h, answer); err != nil {
			return err
		}
		sum = hex.EncodeToString(h.Sum(nil))
		return nil
	})
	return sum, err
}
