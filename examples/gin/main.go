// A small Gin application. It knows nothing of Lambda.
package main

import (
	"io"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"
)

func main() {
	app := gin.New()
	app.GET("/", func(c *gin.Context) {
		c.Data(http.StatusOK, "text/html; charset=utf-8", []byte("<!doctype html><h1>Hello from Gin</h1>"))
	})
	app.GET("/greet", func(c *gin.Context) {
		c.JSON(http.StatusOK, gin.H{"hello": c.Query("name")})
	})
	// Gives the body back, byte for byte.
	app.POST("/echo", func(c *gin.Context) {
		body, err := io.ReadAll(c.Request.Body)
		if err != nil {
			c.String(http.StatusBadRequest, err.Error())
			return
		}
		c.Data(http.StatusOK, c.ContentType(), body)
	})
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	if err := app.Run("127.0.0.1:" + port); err != nil {
		panic(err)
	}
}
