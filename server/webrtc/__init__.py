"""Live video to browsers and from them, over WebRTC."""
