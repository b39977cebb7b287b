#version 330 core
// How much of the light around reaches a point past the part itself (Alchemy ambient occlusion), with its distance.
uniform usampler2D surface;
uniform int stride;         // texels of the surface per pixel of this pass
uniform float slope;        // tangent of half the field of view
uniform float reach;        // how far away things still take light, in part radii
layout(location = 0) out vec4 light;

const int TAPS = 16;

// Normal and distance (0 where there is nothing) in one texel of the surface.
vec4 sample_(ivec2 at) {
    uvec2 both = texelFetch(surface, at, 0).xy;
    vec2 flat_ = vec2(both.x & 0xffffu, both.x >> 16u) / 32767.0 - 1.0;
    vec3 way = vec3(flat_, 1.0 - abs(flat_.x) - abs(flat_.y));
    float below = max(-way.z, 0.0);
    way.xy += mix(vec2(below), vec2(-below), greaterThanEqual(way.xy, vec2(0.0)));
    return vec4(normalize(way), uintBitsToFloat(both.y));
}

vec3 point(vec2 at, float depth, float size) { return vec3((2.0 * at / size - 1.0) * slope * depth, -depth); }

void main() {
    ivec2 cell = ivec2(gl_FragCoord.xy), at = stride * cell + stride / 2 - 1;
    float size = float(textureSize(surface, 0).x);
    vec4 here = sample_(at);
    if (here.w == 0.0) { at += 1; here = sample_(at); }
    vec3 origin = point(vec2(at) + 0.5, here.w, size);
    float span = 0.5 * size * reach / (slope * here.w), turn = 2.4 * float((cell.x & 1) + 2 * (cell.y & 1));
    float sum = 0.0;
    int taps = here.w == 0.0 ? 0 : TAPS;
    for (int i = 0; i < taps; i++) {
        float far = (float(i) + 0.5) / float(TAPS), angle = turn + 2.3999632 * float(i);
        vec2 way = vec2(cos(angle), sin(angle)) * (span * far * (0.4 + 0.6 * far) + 2.0);
        ivec2 tap = clamp(at + ivec2(round(way)), ivec2(0), ivec2(int(size) - 1));
        float depth = uintBitsToFloat(texelFetch(surface, tap, 0).y);
        vec3 to = point(vec2(tap) + 0.5, depth, size) - origin;
        float square = dot(to, to);
        float rise = dot(to, here.xyz) - 0.004 * here.w * slope - 0.02 * sqrt(square);
        float fade = depth == 0.0 ? 0.0 : max(0.0, 1.0 - square / (reach * reach));
        sum += fade * max(0.0, rise) * inversesqrt(square + 1e-6);
    }
    light = vec4(clamp(1.0 - 3.2 * sum / float(TAPS), 0.0, 1.0), here.w, 0.0, 0.0);
}
