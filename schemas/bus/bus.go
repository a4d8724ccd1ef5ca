// Package bus names what lies on the message bus: lanes of frames, and the documents' stream.
//
// A lane is an ordered, dense log of frames (stream SG_LANE_<n>); the stream KV_SG_DOCS holds the newest
// message of every document key. Nothing else is kept on the bus.
package bus

import (
	"fmt"
	"strings"
	"time"
)

// FrameBytesMax is the largest encoded frame. NATS carries 1 MiB by default; headers need room beside it.
const FrameBytesMax = 1<<20 - 8<<10

// DocsStream is the JetStream stream behind the key-value bucket SG_DOCS.
const (
	DocsStream        = "KV_SG_DOCS"
	docsSubjectPrefix = "$KV.SG_DOCS."
)

// SafetyWindow: applied frames stay on the lane this long or up to this many bytes, whichever is less, so
// that ClickHouse may lose its newest parts in a power failure and take them again.
const (
	SafetyWindowAge   = time.Hour
	SafetyWindowBytes = 1 << 30
)

// LaneStream names the stream of a lane.
func LaneStream(lane uint16) string { return fmt.Sprintf("SG_LANE_%d", lane) }

// LaneSubjects are all subjects of a lane.
func LaneSubjects(lane uint16) string { return fmt.Sprintf("sg.points.%d.>", lane) }

// AllLanes are the subjects of all lanes.
const AllLanes = "sg.points.>"

// LanesMax is how many lanes there can be: each has its own goroutines, batches and inserts.
const LanesMax = 64

// LanesSubject answers requests of jobs that ask for their lanes.
const LanesSubject = "sg.lanes"

// EdgeSubject is where the server's own edge publishes.
func EdgeSubject(lane uint16) string { return fmt.Sprintf("sg.points.%d.edge", lane) }

// RunSubject is where a job publishes frames of its run.
func RunSubject(lane uint16, runID string) string { return fmt.Sprintf("sg.points.%d.%s", lane, runID) }

// DocsSubjects are all document subjects.
const DocsSubjects = docsSubjectPrefix + ">"

// DocSubject is the subject of a document key.
func DocSubject(key string) string { return docsSubjectPrefix + key }

// DocKey undoes DocSubject.
func DocKey(subject string) string { return strings.TrimPrefix(subject, docsSubjectPrefix) }
