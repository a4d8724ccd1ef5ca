module github.com/streamgauge/streamgauge/schemas

go 1.26

require (
	github.com/go-faster/jx v1.2.0
	google.golang.org/protobuf v1.36.12
)

require (
	github.com/go-faster/errors v0.7.1 // indirect
	github.com/segmentio/asm v1.2.1 // indirect
	golang.org/x/sys v0.47.0 // indirect
)
