package embednats

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
)

// serverLog passes the server's log on and listens for write errors, which the server tells nobody else.
type serverLog struct {
	log    *slog.Logger
	broken *atomic.Bool
}

// The texts of nats-server 2.15 after which a stream or JetStream refuses writes until a restart.
var writeErrors = []string{"Critical write error", "will be DISABLED", "no space left"}

func (l serverLog) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	for _, w := range writeErrors {
		if strings.Contains(text, w) {
			l.broken.Store(true)
		}
	}
	l.log.Error("nats server", "text", text)
}

// recovering comes with every start after a crash: the saved index is older than the stream, which is
// then read from its messages. Nothing is missing.
const recovering = "Recovering stream state from index errored: prior state file"

func (l serverLog) Warnf(format string, v ...any) {
	text, level := fmt.Sprintf(format, v...), slog.LevelWarn
	if strings.Contains(text, recovering) {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, "nats server", "text", text)
}

func (l serverLog) Fatalf(format string, v ...any) {
	l.log.Error("nats server", "text", fmt.Sprintf(format, v...))
}

func (l serverLog) Noticef(format string, v ...any) {
	l.log.Debug("nats server", "text", fmt.Sprintf(format, v...))
}

func (l serverLog) Debugf(string, ...any) {}
func (l serverLog) Tracef(string, ...any) {}
