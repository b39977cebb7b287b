#version 330 core
// The studio around the part, folded onto squares (octahedral maps): as its surface, its clear coat and its body see it.
uniform float roughness;
uniform vec3 tint;
uniform vec4 lampAxis[6];    // direction, half width
uniform vec4 lampSide[6];    // direction of the width, half height
uniform vec4 lampColour[6];  // linear light
layout(location = 0) out vec4 light;

const float SQUARE = 64.0;

float bend(float x) { return x * inversesqrt(1.0 + x * x); }  // a soft step from -1 to 1

// The studio in the direction `way` (z up, the camera at -y), blurred as `rough` blurs it.
vec3 environment(vec3 way, float rough) {
    float soft = 0.03 + 1.1 * rough * rough + 0.25 * rough;
    vec3 floor_ = vec3(0.26, 0.255, 0.25), horizon = vec3(0.07, 0.068, 0.066), ceiling = vec3(0.33, 0.34, 0.36);
    vec3 wall = mix(horizon, ceiling, 0.5 + 0.5 * bend((way.z - 0.3) / (0.25 + soft)));
    vec3 sum = mix(floor_, wall, 0.5 + 0.5 * bend((way.z + 0.05) / (0.10 + soft)));
    for (int i = 0; i < 6; i++) {
        vec3 axis = lampAxis[i].xyz, side = lampSide[i].xyz;
        float front = dot(way, axis);
        vec2 at = vec2(dot(way, side), dot(way, cross(axis, side))) / max(front, 0.05);
        vec2 size = vec2(lampAxis[i].w, lampSide[i].w);
        float sharp = 1.0 / (soft * (1.0 + dot(at, at)));
        float x = bend((size.x + at.x) * sharp) + bend((size.x - at.x) * sharp);
        float y = bend((size.y + at.y) * sharp) + bend((size.y - at.y) * sharp);
        sum += lampColour[i].rgb * 0.25 * x * y * smoothstep(-0.15 - soft * 0.5, 0.3 + soft * 0.5, front);
    }
    return sum * tint;
}

// Border texels lie on the folds themselves, so that filtering across a fold is seamless.
vec3 unfolded(vec2 at, float size) {
    vec2 flat_ = 2.0 * (at - 0.5) / (size - 1.0) - 1.0;
    vec3 way = vec3(flat_, 1.0 - abs(flat_.x) - abs(flat_.y));
    float below = max(-way.z, 0.0);
    way.xy += mix(vec2(below), vec2(-below), greaterThanEqual(way.xy, vec2(0.0)));
    return normalize(way);
}

void main() {
    vec2 at = gl_FragCoord.xy;
    float map = floor(at.x / SQUARE);
    at.x -= map * SQUARE;
    vec3 way = unfolded(at, map < 1.5 ? SQUARE : 16.0);
    // matt bodies get a little more, as if white cards stood around
    light = vec4(environment(way, map < 0.5 ? roughness : map < 1.5 ? 0.08 : 0.75) * (map < 1.5 ? 1.0 : 1.85), 1.0);
}
