#version 330 core
// The part in the light of the studio: each pixel's samples shaded, tone mapped and put together.
uniform usampler2D surface;     // normal and distance, twice the size of this pass
uniform sampler2D occlusion;    // open share and distance, half the size of this pass
uniform sampler2D environment;  // three octahedral maps: surface, clear coat, body
uniform sampler2D ground;       // what lies just above the ground, at four heights
uniform float slope;            // tangent of half the field of view
uniform mat3 studio;            // camera space to the studio's space (z up, the camera at -y)
uniform mat4 object;            // camera space to the part's own space, part radius 1
uniform vec3 base;              // linear
uniform float metallic;
uniform float roughness;
uniform float sheen;            // strength of the clear coat
uniform vec4 grain;             // axis of the tool's marks, and their kind: 0 none, 1 along, 2 around, 3 cast
uniform float relief;           // depth of the tool's marks
uniform float exposure;
uniform vec4 shade;             // the ground's height, the shadow's strength, half the side of its map
uniform vec2 lean;              // how far the shadow leans, in heights
layout(location = 0) out vec4 picture;
layout(location = 1) out vec4 shape;

// Normal and distance (0 where there is nothing) in one texel of the surface.
vec4 sample_(ivec2 at) {
    uvec2 both = texelFetch(surface, at, 0).xy;
    vec2 flat_ = vec2(both.x & 0xffffu, both.x >> 16u) / 32767.0 - 1.0;
    vec3 way = vec3(flat_, 1.0 - abs(flat_.x) - abs(flat_.y));
    float below = max(-way.z, 0.0);
    way.xy += mix(vec2(below), vec2(-below), greaterThanEqual(way.xy, vec2(0.0)));
    return vec4(normalize(way), uintBitsToFloat(both.y));
}

float hash(float n) { n = fract(n * 0.1031); n *= n + 33.33; return fract(n * (n + n)); }
float wave(float x) {
    float cell = floor(x), f = x - cell;
    return mix(hash(cell), hash(cell + 1.0), f * f * (3.0 - 2.0 * f)) - 0.5;
}
float hash3(vec3 p) { p = fract(p * 0.3183099 + 0.1) * 17.0; return fract(p.x * p.y * p.z * (p.x + p.y + p.z)); }
float lump(vec3 x) {
    vec3 i = floor(x), f = x - i;
    vec2 o = vec2(0.0, 1.0);
    f = f * f * (3.0 - 2.0 * f);
    vec4 low = vec4(hash3(i), hash3(i + o.yxx), hash3(i + o.xyx), hash3(i + o.yyx));
    vec4 high = vec4(hash3(i + o.xxy), hash3(i + o.yxy), hash3(i + o.xyy), hash3(i + o.yyy));
    vec4 mid = mix(low, high, f.z);
    return mix(mix(mid.x, mid.y, f.x), mix(mid.z, mid.w, f.x), f.y) - 0.5;
}

vec3 around(vec3 way, float map, float size) {
    way /= abs(way.x) + abs(way.y) + abs(way.z);
    vec2 fold = (1.0 - abs(way.yx)) * mix(vec2(-1.0), vec2(1.0), greaterThanEqual(way.xy, vec2(0.0)));
    vec2 at = 0.5 + (0.5 + 0.5 * (way.z >= 0.0 ? way.xy : fold)) * (size - 1.0);
    return texture(environment, (at + vec2(64.0 * map, 0.0)) / vec2(144.0, 64.0)).rgb;
}

// Share of marks `often` per unit that is left where a pixel spans `wide`: finer ones only make noise.
float kept(float often, float wide) { float x = 0.7 * often * wide; return 1.0 / (1.0 + x * x * x); }

// Normal in the part's space after the marks that the tool left at `place`, and how bright they are.
vec4 worked(vec3 normal, vec3 place, vec3 look, float wide) {
    vec3 axis = grain.xyz;
    if (grain.w > 2.5) {
        vec3 p = place * 55.0;
        vec3 bump = kept(45.0, wide / max(dot(normal, look), 0.05)) * vec3(lump(p), lump(p + 31.7), lump(p + 71.3));
        return vec4(normalize(normal + relief * (bump - dot(bump, normal) * normal)), 1.0 + 0.9 * relief * bump.x);
    }
    vec3 across;
    float q;
    if (grain.w > 1.5) {
        vec3 radial = place - dot(place, axis) * axis;
        bool end = abs(dot(normal, axis)) > 0.7;
        float r = length(radial);
        across = end ? radial / max(r, 1e-4) : axis;
        q = end ? r : dot(place, axis);
    } else {
        vec3 along = abs(dot(normal, axis)) > 0.9 ? axis.yzx : axis;
        across = normalize(cross(normal, along));
        q = dot(place, across) + 0.004 * wave(dot(place, along) * 3.0);
    }
    float tilt = dot(across, look);
    wide *= inversesqrt(max(1.0 - tilt * tilt, 0.002));
    float mark = kept(55.0, wide) * wave(q * 55.0) + 0.8 * kept(121.0, wide) * wave(q * 121.0 + 7.0)
               + 0.6 * kept(260.0, wide) * wave(q * 260.0 + 3.0);
    return vec4(normalize(normal + relief * mark * (across - dot(across, normal) * normal)), 1.0 + 1.8 * relief * mark);
}

// Straight in the dark, so that black keeps its shape; a soft shoulder above, so that white does not burn out.
vec3 film(vec3 x) { return min(x, 0.42) + 0.58 * (1.0 - exp2(-max(x - 0.42, 0.0) * (1.442695 / 0.58))); }
vec3 srgb(vec3 x) { vec3 root = sqrt(x); return clamp(0.585122 * root + 0.783141 * sqrt(root) - 0.368263 * sqrt(sqrt(root)), 0.0, 1.0); }

// Colour of the surface seen along `way` at `depth`; `open` is the share of light that reaches it.
vec3 lit(vec3 normal, vec3 way, float depth, float open) {
    float mark = 1.0;
    if (grain.w > 0.5) {
        float wide = 4.0 * slope * depth / float(textureSize(surface, 0).x);
        vec3 place = (object * vec4(way * depth, 1.0)).xyz;
        vec4 made = worked(mat3(object) * normal, place, normalize(object[3].xyz - place), wide);
        normal = made.xyz * mat3(object);
        mark = made.w;
    }
    vec3 look = -normalize(way);
    float facing = clamp(dot(normal, look), 0.02, 1.0);
    vec3 bounce = studio * reflect(-look, normal);
    // the surface's share of mirrored light, after Karis, "Physically based shading on mobile"
    vec4 r = roughness * vec4(-1.0, -0.0275, -0.572, 0.022) + vec4(1.0, 0.0425, 1.04, -0.04);
    float a = min(r.x * r.x, exp2(-9.28 * facing)) * r.x + r.y;
    vec2 share = vec2(-1.04, 1.04) * a + r.zw;
    float reaches = clamp(open * (facing + open) / (facing + 1.0) + 0.5 * open * open, 0.0, 1.0);
    vec3 light = around(bounce, 0.0, 64.0) * (mix(vec3(0.04), base, metallic) * share.x + share.y) * reaches;
    if (metallic < 1.0) {
        vec3 gather = open / (1.0 - base * (1.0 - open));  // light bounces within the part and takes its colour
        light += base * (1.0 - metallic) * gather * around(studio * normal, 2.0, 16.0);
    }
    if (sheen > 0.0) {
        float mirror = sheen * (0.04 + 0.96 * pow(1.0 - facing, 5.0));
        light = mix(light, reaches * around(bounce, 1.0, 64.0), mirror);
    }
    return srgb(film(light * (exposure * mark)));
}

// Cover of the part's shadow where the ray `way` meets the ground.
float shadow(vec3 way) {
    vec3 eye = object[3].xyz, ahead = mat3(object) * way;
    if (shade.y <= 0.0 || ahead.z >= -1e-3) return 0.0;
    vec2 at = (eye + ahead * ((shade.x - eye.z) / ahead.z)).xy;
    vec4 near = vec4(texture(ground, 0.5 + 0.5 * at / shade.z).rg, 0.0, 0.0);
    near.z = texture(ground, 0.5 + 0.5 * (at - lean * 0.22) / shade.z).b;
    near.w = texture(ground, 0.5 + 0.5 * (at - lean * 0.55) / shade.z).a;
    return shade.y * dot(near, vec4(0.42, 0.26, 0.2, 0.12));
}

// Open share of a pixel, from the four coarse ones around it that lie as far away.
float openness(ivec2 pixel, float near) {
    ivec2 last = textureSize(occlusion, 0) - 1, first = (pixel - 1) / 2;
    float open = 0.0, weight = 0.0;
    for (int i = 0; i < 4; i++) {
        vec2 there = texelFetch(occlusion, min(first + ivec2(i & 1, i >> 1), last), 0).xy;
        float w = 1e-5 + 1.0 / (1e-4 + abs(there.y - near) / (slope * near));
        w = there.y == 0.0 ? 1e-9 : min(w, 30.0);
        open += w * there.x;
        weight += w;
    }
    return open / weight;
}

void main() {
    ivec2 pixel = ivec2(gl_FragCoord.xy), corner;
    float size = float(textureSize(surface, 0).x);
    pixel.y = int(size) / 2 - 1 - pixel.y;  // pictures start at the top
    corner = 2 * pixel;
    vec4 a = sample_(corner), b = sample_(corner + ivec2(1, 0));
    vec4 c = sample_(corner + ivec2(0, 1)), d = sample_(corner + ivec2(1, 1));
    vec4 hit = vec4(greaterThan(vec4(a.w, b.w, c.w, d.w), vec4(0.0)));
    float cover = dot(hit, vec4(1.0));
    vec3 way = vec3((2.0 * (vec2(corner) + 1.0) / size - 1.0) * slope, -1.0);
    float dark = 0.0;
    if (cover < 4.0) {
        vec2 edge = min(gl_FragCoord.xy, 0.5 * size - gl_FragCoord.xy) / (0.5 * size);
        dark = shadow(way) * smoothstep(0.0, 0.09, edge.x) * smoothstep(0.0, 0.09, edge.y);
    }
    // the samples as near as the nearest and turned as it is make one surface, the others a second
    vec4 away = vec4(a.w, b.w, c.w, d.w), depths = mix(vec4(1e9), away, hit);
    float near = min(min(depths.x, depths.y), min(depths.z, depths.w));
    vec3 lead = depths.x == near ? a.xyz : depths.y == near ? b.xyz : depths.z == near ? c.xyz : d.xyz;
    vec4 like = vec4(dot(a.xyz, lead), dot(b.xyz, lead), dot(c.xyz, lead), dot(d.xyz, lead));
    vec4 left = hit, share = hit * step(0.94, like) * step(depths, vec4(near + 0.08 * slope * near));
    vec3 colour = vec3(0.0);
    shape = vec4(0.0);
    float samples = max(dot(share, vec4(1.0)), 1e-4);
    // a loop, because the software renderer runs through branches not taken, but leaves loops early
    do {
        vec3 normal = normalize(a.xyz * share.x + b.xyz * share.y + c.xyz * share.z + d.xyz * share.w + 1e-9);
        float depth = dot(away, share) / samples;
        colour += lit(normal, way, depth, openness(pixel, depth)) * samples;
        if (cover >= 2.0 && shape.w == 0.0) shape = vec4(normal, depth);
        left -= share;
        share = left;
        samples = dot(share, vec4(1.0));
    } while (samples > 0.0);
    float covered = 0.25 * cover, alpha = covered + (1.0 - covered) * dark;
    picture = vec4(0.25 * colour / max(alpha, 1e-4), alpha);
}
