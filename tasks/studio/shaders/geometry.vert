#version 330 core
// Where a vertex is seen, and its normal as the camera sees it.
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
uniform mat4 view;
uniform mat4 projection;
out vec3 eye;
out vec3 bend;

void main() {
    vec4 seen = view * vec4(position, 1.0);
    eye = seen.xyz;
    bend = mat3(view) * normal;
    gl_Position = projection * seen;
}
