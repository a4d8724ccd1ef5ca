package traces

import "github.com/gofiber/fiber/v2"

func (r *Reader) metrics(c *fiber.Ctx) error { return reply(c, nil) }
