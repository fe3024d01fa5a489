select faa, name, lat, lon, alt, tzone from {{ source('raw', 'airports') }}
