#version 330 core
// Normal (towards the camera) and distance along the camera's axis of what is nearest in a pixel.
in vec3 eye;
in vec3 bend;
layout(location = 0) out uvec2 surface;  // folded normal, distance: 0 where there is nothing

void main() {
    vec3 away = normalize(eye);
    vec3 normal = normalize(bend);
    if (!gl_FrontFacing) normal = -normal;
    float turn = dot(normal, away);
    if (turn > 0.35) normal = -normal;  // a face wound the wrong way round
    else if (turn > -0.02) normal = normalize(normal - (turn + 0.02) * away);  // interpolated past the silhouette
    normal /= abs(normal.x) + abs(normal.y) + abs(normal.z);
    vec2 fold = (1.0 - abs(normal.yx)) * mix(vec2(-1.0), vec2(1.0), greaterThanEqual(normal.xy, vec2(0.0)));
    uvec2 half_ = uvec2(round((0.5 + 0.5 * (normal.z >= 0.0 ? normal.xy : fold)) * 65534.0));
    surface = uvec2(half_.x | (half_.y << 16u), floatBitsToUint(-eye.z));
}
