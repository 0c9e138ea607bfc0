"""The service: predictions, timelines and live streams over HTTP and WebSocket (extra ``serve``)."""
