package send

import (
	"context"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge/registry/alerts"
	"github.com/streamgauge/streamgauge/registry/webhook"
	"github.com/streamgauge/streamgauge/schemas/alert"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// CheckChannels refuses addresses where nothing may be sent.
func (s *Sender) CheckChannels(ctx context.Context, r *alert.Rule) error {
	for _, c := range r.Channels {
		if c.Type == alert.Email {
			continue
		}
		if err := s.poster.CheckURL(ctx, c.URL); err != nil {
			return err
		}
	}
	return nil
}

// TestResult is what came of a test of one channel.
type TestResult struct {
	Channel string `json:"channel" enum:"webhook,slack,email"`
	Status  int    `json:"status" description:"Of the answer, 0 if there was none."`
	Success bool   `json:"success"`
	Error   string `json:"error,omitempty"`
}

// testTimeout bounds the wait for receivers, also where others hang and have all turns.
const testTimeout = time.Minute

// Test tells every channel of an example, once. It is noted nowhere.
func (s *Sender) Test(ctx context.Context, stored *sgpb.AlertRule) ([]TestResult, error) {
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	r, err := alerts.RuleOf(stored)
	if err != nil {
		return nil, err
	}
	e := Example(r, time.Now())
	out := make([]TestResult, len(r.Channels))
	var group sync.WaitGroup
	for i := range r.Channels {
		group.Go(func() {
			c := &r.Channels[i]
			a := s.tell(ctx, e, c, alerts.Secret(stored, i), webhook.NewID())
			out[i] = TestResult{Channel: c.Type, Status: a.Outcome.Status, Success: a.Outcome.Delivered(), Error: a.Trouble()}
		})
	}
	group.Wait()
	return out, nil
}
