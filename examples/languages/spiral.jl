# julia spiral.jl points.csv model.safetensors: trains on the points, tells how many it knows, saves.
using Libdl

# What spiral.json says of the struct of rows.
struct Column{T}
    data::Ptr{T}
    stride::Int64
end
struct Points
    rows::Int64
    x::Column{Float32}
    arm::Column{Int32}
end

const library = dlopen(joinpath(pwd(), "spiral.so"))
symbol(name) = dlsym(library, "spiral_" * name)

function check(status)
    status == 0 || error(unsafe_string(ccall(symbol("strerror"), Cstring, (Cint,), status)))
end

lines = [split(line, ',') for line in readlines(ARGS[1])[2:end]]
x = [parse(Float32, line[k]) for k in 1:2, line in lines]     # a column of Julia's is a row
arm = [parse(Int32, line[3]) for line in lines]
scores = zeros(Float32, 3, length(arm))

model = Ref{Ptr{Cvoid}}(C_NULL)
check(ccall(symbol("new"), Cint, (Ref{Ptr{Cvoid}}, Ptr{Cvoid}), model, C_NULL))
GC.@preserve x arm begin
    points = Ref(Points(length(arm), Column(pointer(x), 8), Column(pointer(arm), 4)))
    check(ccall(symbol("fit"), Cint, (Ptr{Cvoid}, Ref{Points}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}),
                model[], points, C_NULL, C_NULL, C_NULL))
    check(ccall(symbol("predict"), Cint, (Ptr{Cvoid}, Ref{Points}, Ptr{Float32}, Ptr{Cvoid}),
                model[], points, scores, C_NULL))
end
check(ccall(symbol("save"), Cint, (Ptr{Cvoid}, Cstring), model[], ARGS[2]))
ccall(symbol("free"), Cvoid, (Ptr{Cvoid},), model[])
println(count(argmax(scores[:, i]) - 1 == arm[i] for i in eachindex(arm)), " of ", length(arm))
