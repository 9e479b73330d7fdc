"""Where the face's routes are, below /api/v1/."""

from django.urls import path

from facelogin import views

api_urlpatterns = [
    path("face", views.FaceView.as_view(), name="face"),
]
