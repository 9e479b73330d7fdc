"""What a person agrees to before a face is stored; a changed text is a new version."""

VERSION = "1"
TEXT = (
    "To log in with your face, this server stores a template: a list of numbers computed from "
    "a few pictures of your face. Pictures are not kept: they are encrypted as they arrive and "
    "erased as soon as they have been judged, after one minute at the latest. The template is "
    "encrypted so that it can be opened only in the moment in which you log in with your "
    "password, and it is used for nothing else. A face can fail, and a good video of you can "
    "deceive the camera: you may use a code instead at any time, with no disadvantage. You can "
    "withdraw this consent at any time; the template is erased at once."
)
