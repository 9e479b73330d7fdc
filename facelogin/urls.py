"""Where the face's routes are, below /api/v1/."""

from django.urls import path

from facelogin import views

api_urlpatterns = [
    path("face", views.FaceView.as_view(), name="face"),
    path("face/alerts", views.AlertsView.as_view(), name="face-alerts"),
    path("face/enrolments", views.EnrolmentsView.as_view(), name="face-enrolments"),
    path("face/verifications", views.VerificationsView.as_view(), name="face-verifications"),
    path("face/captures/<uuid:capture_id>", views.CaptureView.as_view(), name="face-capture"),
    path("face/captures/<uuid:capture_id>/frames", views.FramesView.as_view(), name="face-frames"),
    path(
        "face/captures/<uuid:capture_id>/preview",
        views.PreviewView.as_view(),
        name="face-preview",
    ),
    path(
        "face/captures/<uuid:capture_id>/completion",
        views.CompletionView.as_view(),
        name="face-completion",
    ),
    path("face/decline", views.DeclineView.as_view(), name="face-decline"),
]
