package views

import (
	"fmt"
	"strings"
)

// Markdown is the views' part of docs/sql.md.
func Markdown() string {
	var b strings.Builder
	for _, v := range Views {
		name := Database + "." + v.Name
		if len(v.Parameters) > 0 {
			var list []string
			for _, p := range v.Parameters {
				list = append(list, p.Name+"=...")
			}
			name += "(" + strings.Join(list, ", ") + ")"
		}
		fmt.Fprintf(&b, "### `%s`\n\n%s\n\n", name, v.Comment)
		if len(v.Parameters) > 0 {
			b.WriteString("| parameter | type | meaning |\n|---|---|---|\n")
			writeColumns(&b, v.Parameters)
			b.WriteString("\n")
		}
		b.WriteString("| column | type | meaning |\n|---|---|---|\n")
		writeColumns(&b, v.Columns)
		b.WriteString("\n")
	}
	b.WriteString("### Functions\n\n| function | meaning |\n|---|---|\n")
	for _, f := range Functions {
		if !f.Internal {
			fmt.Fprintf(&b, "| `%s%s` | %s |\n", f.Name, f.Arguments, f.Comment)
		}
	}
	return b.String()
}

func writeColumns(b *strings.Builder, columns []Column) {
	for _, c := range columns {
		fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", c.Name, c.Type, c.Comment)
	}
}
