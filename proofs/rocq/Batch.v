(* Weighted batches of any size: Theorems 1, 2 and 3, and what the code's moments are.
   Weights are not negative and have a positive sum; all ones give the paper's statements. *)
From Coq Require Import Reals Lra Lia.
From GAR Require Import Sums Formulas.
Open Scope R_scope.

Lemma pow2_0 x : x ^ 2 = 0 -> x = 0.
Proof. intros E. apply Rsqr_0_uniq. unfold Rsqr. lra. Qed.
Lemma ratio_div a b : b <> 0 -> ratio a b = a / b.
Proof. intros H. unfold ratio. destruct (Req_EM_T b 0); [tauto|]. f_equal. ring. Qed.
Lemma ratio_0 a : ratio a 0 = a.
Proof. unfold ratio. destruct (Req_EM_T 0 0); [field | tauto]. Qed.

(* The share that the code takes: between 0 and 1, and it weighs both slopes alike. *)
Theorem error_share_is scale slope : let e := error_share scale slope in
  0 <= e <= 1 /\ (1 - e) * Rabs scale = e * Rabs slope.
Proof. intros e. unfold e, error_share. pose proof (Rabs_pos scale) as P. pose proof (Rabs_pos slope) as Q.
  destruct (Req_dec (Rabs scale + Rabs slope) 0) as [Z|Z].
  - rewrite Z, ratio_0. replace (Rabs scale) with 0 by lra. lra.
  - rewrite ratio_div by auto. assert (0 < / (Rabs scale + Rabs slope)) by (apply Rinv_0_lt_compat; lra).
    split; [split|].
    + apply Rmult_le_pos; lra.
    + apply Rmult_le_reg_r with (Rabs scale + Rabs slope); [lra|].
      unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra.
    + field. auto. Qed.

Section Batch.
Variable N : nat.
Variable w : nat -> R.
Definition S (a : nat -> R) := bsum N (fun i => w i * a i).
Definition W := bsum N w.
Definition mean (a : nat -> R) := S a / W.
Definition cov (a b : nat -> R) := mean (fun i => (a i - mean a) * (b i - mean b)).
Definition var (a : nat -> R) := cov a a.
Definition pairs (g : nat -> nat -> R) := bsum N (fun i => bsum N (fun j => w i * w j * g i j)).
Definition rho f y := cov f y / (sqrt (var f) * sqrt (var y)).

Hypothesis weights_nonneg : forall i, (i < N)%nat -> 0 <= w i.
Hypothesis weight_pos : 0 < W.

Lemma S_ext a b : (forall i, (i < N)%nat -> a i = b i) -> S a = S b.
Proof. intros H. apply bsum_ext. intros; rewrite H; auto. Qed.
Lemma S_plus a b : S (fun i => a i + b i) = S a + S b.
Proof. unfold S. rewrite <- bsum_plus. apply bsum_ext; intros; ring. Qed.
Lemma S_minus a b : S (fun i => a i - b i) = S a - S b.
Proof. unfold S. rewrite <- bsum_minus. apply bsum_ext; intros; ring. Qed.
Lemma S_scal c a : S (fun i => c * a i) = c * S a.
Proof. unfold S. rewrite <- bsum_scal. apply bsum_ext; intros; ring. Qed.
Lemma S_const c : S (fun _ => c) = W * c.
Proof. unfold S, W. rewrite <- bsum_scalr. apply bsum_ext; intros; ring. Qed.

Lemma mean_ext a b : (forall i, (i < N)%nat -> a i = b i) -> mean a = mean b.
Proof. intros H. unfold mean. rewrite (S_ext a b); auto. Qed.
Lemma mean_plus a b : mean (fun i => a i + b i) = mean a + mean b.
Proof. unfold mean. rewrite S_plus. field. lra. Qed.
Lemma mean_minus a b : mean (fun i => a i - b i) = mean a - mean b.
Proof. unfold mean. rewrite S_minus. field. lra. Qed.
Lemma mean_scal c a : mean (fun i => c * a i) = c * mean a.
Proof. unfold mean. rewrite S_scal. field. lra. Qed.
Lemma mean_const c : mean (fun _ => c) = c.
Proof. unfold mean. rewrite S_const. field. lra. Qed.
Lemma mean_ge0 a : (forall i, (i < N)%nat -> 0 <= a i) -> 0 <= mean a.
Proof. intros H. apply Rmult_le_pos; [|left; apply Rinv_0_lt_compat; auto].
  apply bsum_ge0. intros. apply Rmult_le_pos; auto. Qed.

Lemma cov_sums a b : cov a b = mean (fun i => a i * b i) - mean a * mean b.
Proof. unfold cov. set (A := mean a). set (B := mean b).
  rewrite (mean_ext _ (fun i => a i * b i - (A * b i + (B * a i - A * B)))) by (intros; ring).
  rewrite mean_minus, mean_plus, mean_minus, !mean_scal, mean_const. fold A B. ring. Qed.
Lemma cov_sym a b : cov a b = cov b a.
Proof. unfold cov. apply mean_ext. intros; ring. Qed.
Lemma cov_ext a a' b b' : (forall i, (i < N)%nat -> a i = a' i) ->
  (forall i, (i < N)%nat -> b i = b' i) -> cov a b = cov a' b'.
Proof. intros H K. unfold cov. rewrite (mean_ext a a'), (mean_ext b b') by auto.
  apply mean_ext. intros. rewrite H, K; auto. Qed.
Lemma cov_plus_l a b c : cov (fun i => a i + b i) c = cov a c + cov b c.
Proof. rewrite !cov_sums, mean_plus.
  rewrite (mean_ext _ (fun i => a i * c i + b i * c i)) by (intros; ring). rewrite mean_plus. ring. Qed.
Lemma cov_scal_l k a c : cov (fun i => k * a i) c = k * cov a c.
Proof. rewrite !cov_sums, mean_scal.
  rewrite (mean_ext _ (fun i => k * (a i * c i))) by (intros; ring). rewrite mean_scal. ring. Qed.
Lemma cov_shift_l k a c : cov (fun i => a i + k) c = cov a c.
Proof. unfold cov. rewrite mean_plus, mean_const. apply mean_ext. intros; ring. Qed.
Lemma var_ge0 a : 0 <= var a.
Proof. apply mean_ge0. intros. apply Rle_0_sqr. Qed.

(* --- sums over pairs --- *)
Lemma pairs_ext g h : (forall i j, (i < N)%nat -> (j < N)%nat -> g i j = h i j) -> pairs g = pairs h.
Proof. intros H. apply bsum_ext; intros; apply bsum_ext; intros; rewrite H; auto. Qed.
Lemma pairs_ge0 g : (forall i j, (i < N)%nat -> (j < N)%nat -> 0 <= g i j) -> 0 <= pairs g.
Proof. intros H. apply bsum_ge0; intros; apply bsum_ge0; intros.
  apply Rmult_le_pos; auto. apply Rmult_le_pos; auto. Qed.
Lemma pairs_plus g h : pairs (fun i j => g i j + h i j) = pairs g + pairs h.
Proof. unfold pairs. rewrite <- bsum_plus. apply bsum_ext; intros. rewrite <- bsum_plus.
  apply bsum_ext; intros; ring. Qed.
Lemma pairs_scal c g : pairs (fun i j => c * g i j) = c * pairs g.
Proof. unfold pairs. rewrite <- bsum_scal. apply bsum_ext; intros. rewrite <- bsum_scal.
  apply bsum_ext; intros; ring. Qed.
Lemma pairs_prod a b : pairs (fun i j => a i * b j) = S a * S b.
Proof. unfold pairs, S.
  rewrite (bsum_ext N _ (fun i => (w i * a i) * bsum N (fun j => w j * b j))).
  - rewrite bsum_scalr. ring.
  - intros. rewrite <- bsum_scal. apply bsum_ext; intros; ring. Qed.
Lemma pairs_one_sided b : pairs (fun i j => b j) = W * S b.
Proof. rewrite (pairs_ext _ (fun i j => 1 * b j)) by (intros; ring).
  rewrite (pairs_prod (fun _ => 1) b), S_const. ring. Qed.
Lemma pairs_eq0 g : (forall i j, (i < N)%nat -> (j < N)%nat -> 0 <= g i j) -> pairs g = 0 ->
  forall i j, (i < N)%nat -> (j < N)%nat -> 0 < w i -> 0 < w j -> g i j = 0.
Proof. intros P E i j Hi Hj Wi Wj.
  assert (I : forall a b, (a < N)%nat -> (b < N)%nat -> 0 <= w a * w b * g a b).
  { intros. apply Rmult_le_pos; auto. apply Rmult_le_pos; auto. }
  assert (Z : w i * w j * g i j = 0).
  { apply (bsum_eq0 N (fun j => w i * w j * g i j)); auto.
    apply (bsum_eq0 N (fun i => bsum N (fun j => w i * w j * g i j))); auto.
    intros; apply bsum_ge0; auto. }
  apply Rmult_integral in Z. destruct Z as [Z|Z]; auto.
  apply Rmult_integral in Z. lra. Qed.

Lemma pairs_cov a b : pairs (fun i j => (a i - a j) * (b i - b j)) = 2 * W ^ 2 * cov a b.
Proof.
  rewrite (pairs_ext _ (fun i j => (a i * b i) * 1 + ((-1) * (a i * b j) + ((-1) * (b i * a j)
    + 1 * (a j * b j))))) by (intros; ring).
  rewrite !pairs_plus, !pairs_scal.
  rewrite (pairs_prod (fun i => a i * b i) (fun _ => 1)), (pairs_prod a b), (pairs_prod b a).
  rewrite (pairs_one_sided (fun j => a j * b j)), S_const, cov_sums.
  unfold mean. field. lra. Qed.
Lemma var_pairs a : pairs (fun i j => (a i - a j) ^ 2) = 2 * W ^ 2 * var a.
Proof. rewrite (pairs_ext _ (fun i j => (a i - a j) * (a i - a j))) by (intros; ring).
  apply pairs_cov. Qed.

(* Var(y) = 0: labels differ where the weight is 0 only, and have no covariance with anything. *)
Lemma no_spread y : var y = 0 -> forall i, (i < N)%nat -> w i * (y i - mean y) = 0.
Proof. intros E i Hi.
  assert (Z : S (fun i => (y i - mean y) * (y i - mean y)) = 0).
  { unfold var, cov in E. unfold mean at 1 in E. apply Rmult_integral in E. destruct E as [E|E]; auto.
    apply Rinv_neq_0_compat in E; lra. }
  assert (P : forall k, (k < N)%nat -> 0 <= w k * ((y k - mean y) * (y k - mean y))).
  { intros. apply Rmult_le_pos; auto. apply Rle_0_sqr. }
  pose proof (bsum_eq0 N _ P Z i Hi) as T. simpl in T.
  apply Rmult_integral in T. destruct T as [T|T]; [rewrite T; ring|].
  apply Rsqr_0_uniq in T. rewrite T. ring. Qed.
Lemma no_cov a y : var y = 0 -> cov a y = 0.
Proof. intros E. unfold cov. set (A := mean a). set (B := mean y). unfold mean, S. rewrite (bsum_ext N _ (fun _ => 0)). rewrite bsum_const. field. lra.
  intros i Hi. replace (w i * ((a i - A) * (y i - B))) with ((a i - A) * (w i * (y i - B))) by ring.
  unfold B. rewrite no_spread; auto. ring. Qed.

(* --- Theorem 1 --- *)
Theorem theorem_1 f y :
  pairs (fun i j => / 2 * ((f i - f j) - (y i - y j)) ^ 2) / W ^ 2 = var (fun i => f i - y i)
  /\ var (fun i => f i - y i) = mean (fun i => ((f i - mean f) - (y i - mean y)) ^ 2).
Proof. split.
  - rewrite (pairs_ext _ (fun i j => / 2 * (((f i - y i) - (f j - y j)) * ((f i - y i) - (f j - y j)))))
      by (intros; ring).
    rewrite pairs_scal, (pairs_cov (fun i => f i - y i)). unfold var. field. lra.
  - unfold var, cov. rewrite mean_minus. apply mean_ext. intros; ring. Qed.

(* --- Theorem 2 --- *)
Definition norm2 a := sqrt (pairs (fun i j => (a i - a j) ^ 2)).
Definition ndiff f y s :=
  / 2 * pairs (fun i j => ((f i - f j) / norm2 f + s * ((y i - y j) / norm2 y)) ^ 2).

Lemma norm2_pos a : 0 < var a -> 0 < norm2 a.
Proof. intros H. apply sqrt_lt_R0. rewrite var_pairs.
  apply Rmult_lt_0_compat; auto. apply Rmult_lt_0_compat; [lra|]. apply pow_lt; auto. Qed.
Lemma norm2_eq a : norm2 a = sqrt 2 * W * sqrt (var a).
Proof. unfold norm2. rewrite var_pairs. pose proof (var_ge0 a).
  assert (0 <= W ^ 2) by (apply pow_le; lra).
  rewrite (sqrt_mult (2 * W ^ 2) (var a)) by (auto; apply Rmult_le_pos; lra).
  rewrite (sqrt_mult 2 (W ^ 2)) by lra. rewrite sqrt_pow2 by lra. ring. Qed.
Lemma norm2_sq a : norm2 a * norm2 a = 2 * W ^ 2 * var a.
Proof. unfold norm2. rewrite sqrt_sqrt; [apply var_pairs|].
  apply pairs_ge0; intros; apply pow2_ge_0. Qed.

Lemma ndiff_gen f y s : 0 < var f -> 0 < var y -> s * s = 1 -> ndiff f y s = 1 + s * rho f y.
Proof. intros Hf Hy Hs. unfold ndiff.
  pose proof (norm2_pos f Hf) as A. pose proof (norm2_pos y Hy) as B.
  set (a := norm2 f) in *. set (b := norm2 y) in *.
  rewrite (pairs_ext _ (fun i j => / (a * a) * (f i - f j) ^ 2 + ((2 * s / (a * b)) *
     ((f i - f j) * (y i - y j)) + / (b * b) * (y i - y j) ^ 2))).
  2:{ intros. replace (/ (b * b) * (y i - y j) ^ 2) with (s * s * (/ (b * b) * (y i - y j) ^ 2))
        by (rewrite Hs; ring). field. lra. }
  rewrite !pairs_plus, !pairs_scal, !var_pairs, pairs_cov.
  unfold a, b. rewrite !norm2_sq, !norm2_eq by lra. unfold rho.
  assert (0 < sqrt (var f)) by (apply sqrt_lt_R0; auto).
  assert (0 < sqrt (var y)) by (apply sqrt_lt_R0; auto).
  assert (0 < sqrt 2) by (apply sqrt_lt_R0; lra).
  assert (E : sqrt 2 * sqrt 2 = 2) by (apply sqrt_sqrt; lra).
  replace (2 * s / (sqrt 2 * W * sqrt (var f) * (sqrt 2 * W * sqrt (var y))))
    with (2 * s / ((sqrt 2 * sqrt 2) * W ^ 2 * (sqrt (var f) * sqrt (var y)))) by (field; lra).
  rewrite E. field. repeat split; lra. Qed.

Theorem theorem_2 f y : 0 < var f -> 0 < var y ->
  / 2 * pairs (fun i j => ((f i - f j) / norm2 f - (y i - y j) / norm2 y) ^ 2) = 1 - rho f y
  /\ 0 <= 1 - rho f y <= 2.
Proof. intros Hf Hy.
  assert (M := ndiff_gen f y (-1) Hf Hy ltac:(lra)).
  assert (P := ndiff_gen f y 1 Hf Hy ltac:(lra)).
  assert (0 <= ndiff f y (-1)) by (apply Rmult_le_pos; [lra|apply pairs_ge0; intros; apply pow2_ge_0]).
  assert (0 <= ndiff f y 1) by (apply Rmult_le_pos; [lra|apply pairs_ge0; intros; apply pow2_ge_0]).
  split; [|lra]. replace (1 - rho f y) with (1 + -1 * rho f y) by ring.
  rewrite <- M. unfold ndiff. f_equal. apply pairs_ext; intros; ring. Qed.

(* The ends of the range: 0 for the same direction, 2 for the opposite one. *)
Definition direction f y s :=
  exists c, 0 < c /\ forall i j, (i < N)%nat -> (j < N)%nat -> 0 < w i -> 0 < w j ->
    f i - f j = s * c * (y i - y j).

Lemma weighted_pairs_ext g h :
  (forall i j, (i < N)%nat -> (j < N)%nat -> 0 < w i -> 0 < w j -> g i j = h i j) ->
  pairs g = pairs h.
Proof. intros H. apply bsum_ext; intros i Hi; apply bsum_ext; intros j Hj.
  destruct (weights_nonneg i Hi) as [Wi|<-]; [|ring].
  destruct (weights_nonneg j Hj) as [Wj|<-]; [|ring]. rewrite H; auto. Qed.

Lemma ends f y s : 0 < var f -> 0 < var y -> s * s = 1 -> (ndiff f y (- s) = 0 <-> direction f y s).
Proof. intros Hf Hy Hs. pose proof (norm2_pos f Hf). pose proof (norm2_pos y Hy). split.
  - intros E. exists (norm2 f / norm2 y). split; [apply Rdiv_lt_0_compat; auto|].
    intros i j Hi Hj Wi Wj.
    assert (Z : ((f i - f j) / norm2 f + - s * ((y i - y j) / norm2 y)) ^ 2 = 0).
    { apply (pairs_eq0 (fun i j => ((f i - f j) / norm2 f + - s * ((y i - y j) / norm2 y)) ^ 2)); auto.
      intros; apply pow2_ge_0. unfold ndiff in E. lra. }
    apply pow2_0 in Z.
    replace (f i - f j) with (norm2 f * ((f i - f j) / norm2 f)) by (field; lra).
    replace ((f i - f j) / norm2 f) with (s * ((y i - y j) / norm2 y)) by lra. field. lra.
  - intros [c [Hc E]].
    assert (F : norm2 f = c * norm2 y).
    { unfold norm2.
      rewrite (weighted_pairs_ext (fun i j => (f i - f j) ^ 2) (fun i j => (c * c) * (y i - y j) ^ 2)).
      - rewrite pairs_scal, sqrt_mult. rewrite sqrt_square by lra. auto.
        apply Rmult_le_pos; lra. apply pairs_ge0; intros; apply pow2_ge_0.
      - intros. rewrite E by auto. replace ((s * c * (y i - y j)) ^ 2)
          with ((s * s) * (c * c * (y i - y j) ^ 2)) by ring. rewrite Hs. ring. }
    unfold ndiff. rewrite (weighted_pairs_ext _ (fun i j => 0 * 0)).
    + rewrite pairs_scal. ring.
    + intros. rewrite E, F by auto. replace (s * c * (y i - y j) / (c * norm2 y))
        with (s * ((y i - y j) / norm2 y)) by (field; lra). ring. Qed.

Theorem theorem_2_ends f y : 0 < var f -> 0 < var y ->
  (1 - rho f y = 0 <-> direction f y 1) /\ (1 - rho f y = 2 <-> direction f y (-1)).
Proof. intros Hf Hy. split.
  - rewrite <- (ends f y 1) by (auto; ring). rewrite ndiff_gen by (auto; ring). split; intros; lra.
  - rewrite <- (ends f y (-1)) by (auto; ring). rewrite ndiff_gen by (auto; ring). split; intros; lra.
Qed.

(* --- Theorem 3 --- *)
Definition Q f y c := pairs (fun i j => / 2 * ((f i - f j) - c * (y i - y j)) ^ 2) / W ^ 2.

Lemma Q_poly f y c : Q f y c = var f - 2 * c * cov f y + c * c * var y.
Proof. unfold Q.
  rewrite (pairs_ext _ (fun i j => / 2 * (f i - f j) ^ 2 + ((- c) * ((f i - f j) * (y i - y j)) +
     (c * c * / 2) * (y i - y j) ^ 2))) by (intros; field).
  rewrite !pairs_plus, !pairs_scal, !var_pairs, pairs_cov. field. lra. Qed.

Theorem theorem_3 f y : 0 < var y ->
  let cs := cov f y / var y in
  (forall c, Q f y c = Q f y cs + var y * (c - cs) ^ 2)
  /\ (forall c, Q f y cs <= Q f y c) /\ (forall c, Q f y c = Q f y cs -> c = cs)
  /\ (0 < var f -> Q f y cs = var f * (1 - rho f y ^ 2)).
Proof. intros Hy cs.
  assert (D : forall c, Q f y c = Q f y cs + var y * (c - cs) ^ 2).
  { intros. rewrite !Q_poly. unfold cs. field. lra. }
  repeat split; auto.
  - intros c. rewrite (D c). assert (0 <= var y * (c - cs) ^ 2)
      by (apply Rmult_le_pos; [lra|apply pow2_ge_0]). lra.
  - intros c H. rewrite (D c) in H. assert (E : var y * (c - cs) ^ 2 = 0) by lra.
    apply Rmult_integral in E. destruct E as [E|E]; [lra|]. apply pow2_0 in E. lra.
  - intros Hf. rewrite Q_poly. unfold cs, rho.
    replace ((cov f y / (sqrt (var f) * sqrt (var y))) ^ 2)
      with ((cov f y) ^ 2 / ((sqrt (var f) * sqrt (var f)) * (sqrt (var y) * sqrt (var y)))).
    rewrite !sqrt_sqrt by lra. field. lra.
    field. split; apply Rgt_not_eq, sqrt_lt_R0; auto. Qed.

(* --- what the code computes --- *)
Definition code_moments f y conventional s :=
  moments (decompose f y mean s) conventional W mean.

Lemma S_where_weight a b : (forall i, (i < N)%nat -> 0 < w i -> a i = b i) -> S a = S b.
Proof. intros H. apply bsum_ext. intros i Hi. destruct (weights_nonneg i Hi) as [Wi|<-]; [|ring].
  rewrite H; auto. Qed.
Lemma mean_where_weight a b : (forall i, (i < N)%nat -> 0 < w i -> a i = b i) -> mean a = mean b.
Proof. intros H. unfold mean. rewrite (S_where_weight a b); auto. Qed.
Lemma no_spread_where_weight a i : var a = 0 -> (i < N)%nat -> 0 < w i -> a i - mean a = 0.
Proof. intros E Hi Wi. pose proof (no_spread a E i Hi) as Z. apply Rmult_integral in Z. destruct Z; lra. Qed.

Section Code.
Variables f y conventional : nat -> R.
Variable s : Shifts.
Let d i := f i - y i.
Let m := code_moments f y conventional s.
Let scale := ratio (cov f y) (var y).
Let slope := ratio (cov d y) (var y).

Lemma mean_shift a k : mean (fun i => a i - k) = mean a - k.
Proof. rewrite (mean_minus a (fun _ => k)), mean_const. ring. Qed.
Lemma errors_cov : cov d y = cov f y - var y.
Proof. unfold d. rewrite (cov_ext (fun i => f i - y i) (fun i => f i + (-1) * y i) y y) by (intros; ring).
  rewrite cov_plus_l, cov_scal_l. unfold var. ring. Qed.
Lemma slopes_are : scale * var y = cov f y /\ slope * var y = cov d y
  /\ (0 < var y -> scale = 1 + slope) /\ (var y = 0 -> scale = 0 /\ slope = 0).
Proof. unfold scale, slope. destruct (Req_dec (var y) 0) as [E|E].
  - rewrite E, (no_cov f y E), (no_cov d y E), ratio_0. repeat split; lra.
  - rewrite !ratio_div by auto. repeat split; try (field; auto).
    + intros _. rewrite errors_cov. field. auto.
    + intros; tauto.
    + intros; tauto. Qed.

(* Any share gives the same residual: the part of prediction and error that the labels leave. *)
Theorem any_share share i : (i < N)%nat -> 0 < w i ->
  residual (f i - mean f) (d i - mean d) (y i - mean y) scale slope share
  = (d i - mean d) - slope * (y i - mean y)
  /\ (f i - mean f) - scale * (y i - mean y) = (d i - mean d) - slope * (y i - mean y).
Proof. intros Hi Wi. destruct slopes_are as (_ & _ & P & Z).
  assert (E : (f i - mean f) - scale * (y i - mean y) = (d i - mean d) - slope * (y i - mean y)).
  { unfold d. rewrite mean_minus. destruct (var_ge0 y) as [V|V].
    - rewrite (P V). ring.
    - rewrite (no_spread_where_weight y i) by auto. destruct (Z (eq_sym V)) as [-> ->].
      pose proof (no_spread_where_weight y i (eq_sym V) Hi Wi). lra. }
  split; auto. unfold residual, unexplained. rewrite E. ring. Qed.

(* In exact arithmetic a difference loses nothing. *)
Theorem nothing_lost a b : lost a b (a - b) = 0.
Proof. unfold lost. ring. Qed.
Lemma shifted_means : mean (fun i => fst (fst (shifted (f i) (y i) s))) = mean f - Shifts_f s
  /\ mean (fun i => snd (fst (shifted (f i) (y i) s))) = mean d - Shifts_d s
  /\ mean (fun i => snd (shifted (f i) (y i) s)) = mean y - Shifts_y s.
Proof. unfold shifted; cbn [fst snd]. rewrite !mean_shift. repeat split.
  rewrite (mean_ext _ (fun i => d i - Shifts_d s)) by (intros; rewrite nothing_lost; unfold d; ring).
  apply mean_shift. Qed.

(* The decomposition, whatever the shifts. *)
Theorem parts_are : let p := decompose f y mean s in
  Decomposition_mean_f p = mean f /\ Decomposition_mean_d p = mean d /\ Decomposition_mean_y p = mean y
  /\ Decomposition_var_y p = var y /\ Decomposition_scale p = scale /\ Decomposition_slope p = slope
  /\ forall i, Decomposition_label p i = y i - mean y
  /\ Decomposition_residual p i
      = residual (f i - mean f) (d i - mean d) (y i - mean y) scale slope (error_share scale slope).
Proof. destruct shifted_means as (Ef & Ed & Ey). unfold decompose. cbv zeta beta. cbn -[shifted residual].
  rewrite Ef, Ed, Ey. unfold shifted; cbv zeta; cbn [fst snd].
  assert (V : mean (fun i => (y i - Shifts_y s - (mean y - Shifts_y s)) * (y i - Shifts_y s - (mean y - Shifts_y s)))
    = var y) by (unfold var, cov; apply mean_ext; intros; ring).
  assert (F : mean (fun i => (f i - Shifts_f s - (mean f - Shifts_f s)) * (y i - Shifts_y s - (mean y - Shifts_y s)))
    = cov f y) by (unfold cov; apply mean_ext; intros; ring).
  assert (C : mean (fun i => (f i - y i - Shifts_d s + lost (f i) (y i) (f i - y i)
      - (mean d - Shifts_d s)) * (y i - Shifts_y s - (mean y - Shifts_y s)))
    = cov d y) by (unfold cov; apply mean_ext; intros; rewrite nothing_lost; unfold d; ring).
  rewrite V, F, C. fold scale slope. repeat split; try ring.
  rewrite nothing_lost. f_equal; unfold d; ring. Qed.

Theorem moments_are : Moments_weight m = W /\ Moments_mean_d m = mean d /\ Moments_mean_y m = mean y
  /\ Moments_var_y m = var y /\ Moments_slope m = ratio (cov d y) (var y)
  /\ Moments_var_r m = var (fun i => d i - ratio (cov d y) (var y) * y i)
  /\ Moments_mean_f m = mean f /\ Moments_scale m = ratio (cov f y) (var y)
  /\ Moments_conventional m = mean conventional.
Proof. destruct parts_are as (Pf & Pd & Py & Pv & Pc & Pl & P).
  unfold m, code_moments, moments. cbn -[decompose]. rewrite Pf, Pd, Py, Pv, Pc, Pl. fold scale slope.
  repeat split. unfold var, cov. apply mean_where_weight. intros i Hi Wi.
  destruct (P i) as [_ ->]. destruct (any_share (error_share scale slope) i Hi Wi) as [-> _].
  rewrite mean_minus, mean_scal. ring. Qed.

Theorem slope_is : Moments_slope m * var y = cov d y.
Proof. destruct moments_are as (_ & _ & _ & _ & -> & _). apply slopes_are. Qed.
Theorem scaled_covariance_is : Moments_scale m * var y = cov f y.
Proof. destruct moments_are as (_ & _ & _ & _ & _ & _ & _ & -> & _). apply slopes_are. Qed.
Theorem scale_is : (0 < var y -> Moments_scale m = 1 + Moments_slope m /\ Moments_scale m = cov f y / var y)
  /\ (var y = 0 -> Moments_scale m = 0 /\ Moments_slope m = 0).
Proof. destruct slopes_are as (E & _ & P & Z). destruct moments_are as (_ & _ & _ & _ & -> & _ & _ & -> & _).
  split; auto. intros H. split; [auto|]. apply ratio_div. lra. Qed.
Lemma scaled_var k : Moments_scale m * k * var y = (1 + Moments_slope m) * k * var y.
Proof. destruct scale_is as [P Z]. destruct (var_ge0 y) as [V|V].
  - destruct (P V) as [-> _]. ring.
  - rewrite <- V. ring. Qed.

Theorem var_r_is : Moments_var_r m = var d - Moments_slope m ^ 2 * var y.
Proof. pose proof slope_is as SL. destruct moments_are as (_ & _ & _ & _ & -> & -> & _).
  destruct moments_are as (_ & _ & _ & _ & E & _). rewrite E in SL. clear E.
  set (b := ratio (cov d y) (var y)) in *.
  assert (X : var (fun i => d i - b * y i) = var d - 2 * b * cov d y + b ^ 2 * var y).
  { unfold var. rewrite (cov_ext _ (fun i => d i + (- b) * y i) _ (fun i => d i + (- b) * y i))
      by (intros; ring).
    rewrite cov_plus_l, cov_scal_l, (cov_sym d), (cov_sym y (fun i => d i + - b * y i)).
    rewrite !cov_plus_l, !cov_scal_l, (cov_sym y d). ring. }
  rewrite X, <- SL. ring. Qed.

Theorem code_theorem_1 :
  error_variance m = pairs (fun i j => / 2 * ((f i - f j) - (y i - y j)) ^ 2) / W ^ 2.
Proof. destruct (theorem_1 f y) as [-> _]. unfold error_variance, square. rewrite var_r_is.
  destruct moments_are as (_ & _ & _ & -> & _). fold d. ring. Qed.
Lemma error_variance_is : error_variance m = var d.
Proof. rewrite code_theorem_1. apply theorem_1. Qed.

Theorem prediction_variance_is : prediction_variance m = var f.
Proof. unfold prediction_variance, square. rewrite var_r_is.
  destruct moments_are as (_ & _ & _ & -> & _).
  assert (X : var f = var d + 2 * cov d y + var y).
  { unfold var at 1. rewrite (cov_ext f (fun i => d i + y i) f (fun i => d i + y i))
      by (intros; unfold d; ring).
    rewrite cov_plus_l, (cov_sym d), (cov_sym y (fun i => d i + y i)), !cov_plus_l, (cov_sym y d).
    unfold var. ring. }
  pose proof (scaled_var (Moments_scale m)) as A. pose proof (scaled_var 1) as B.
  replace (Moments_scale m * Moments_scale m * var y) with ((1 + Moments_slope m) * (Moments_scale m * 1 * var y)) by lra.
  rewrite B, X, <- slope_is. ring. Qed.

Theorem code_theorem_3 c : scaled_difference m c = Q f y c
  /\ (0 < var y -> Moments_scale m = cov f y / var y).
Proof. pose proof scaled_covariance_is as SC. split; [|apply scale_is].
  rewrite Q_poly, <- prediction_variance_is, <- SC. unfold scaled_difference, prediction_variance, square.
  destruct moments_are as (_ & _ & _ & -> & _). ring. Qed.

Theorem correlation_is : 0 < var f -> 0 < var y ->
  1 - rho f y ^ 2 = Moments_var_r m / var f.
Proof. intros Hf Hy. unfold rho. rewrite <- scaled_covariance_is.
  replace ((Moments_scale m * var y / (sqrt (var f) * sqrt (var y))) ^ 2)
    with (Moments_scale m ^ 2 * (var y * var y) / ((sqrt (var f) * sqrt (var f)) * (sqrt (var y) * sqrt (var y)))).
  2:{ field. split; apply Rgt_not_eq, sqrt_lt_R0; auto. }
  rewrite !sqrt_sqrt by lra.
  assert (P := prediction_variance_is). unfold prediction_variance, square in P.
  destruct moments_are as (_ & _ & _ & E & _). rewrite E in P.
  replace (Moments_var_r m) with (var f - Moments_scale m * Moments_scale m * var y) by lra.
  field. lra. Qed.

(* 1 - rho in the form without cancellation, and its value where a vector is constant. *)
Theorem code_theorem_2 : 0 < var f -> 0 < var y -> one_minus_pearson m = 1 - rho f y.
Proof. intros Hf Hy. unfold one_minus_pearson. rewrite prediction_variance_is.
  assert (P := prediction_variance_is). unfold prediction_variance, square in P.
  assert (K := scaled_covariance_is).
  destruct moments_are as (_ & _ & _ & E & _). rewrite E in *.
  set (b := Moments_scale m) in *. set (r := Moments_var_r m) in *.
  unfold rho. rewrite <- K.
  pose proof (sqrt_lt_R0 _ Hf) as Sf. pose proof (sqrt_lt_R0 _ Hy) as Sy.
  pose proof (sqrt_sqrt (var f) ltac:(lra)) as Ff. pose proof (sqrt_sqrt (var y) ltac:(lra)) as Fy.
  set (a := sqrt (var f)) in *. set (v := sqrt (var y)) in *.
  set (g := b * v).
  assert (G : g * g = Rabs g * Rabs g) by (unfold Rabs; destruct (Rcase_abs g); ring).
  assert (R0 : r = (a - Rabs g) * (a + Rabs g)).
  { replace ((a - Rabs g) * (a + Rabs g)) with (a * a - Rabs g * Rabs g) by ring.
    rewrite <- G. unfold g. rewrite Ff, <- P.
    replace (b * v * (b * v)) with (b * b * (v * v)) by ring. rewrite Fy. ring. }
  pose proof (Rabs_pos g).
  assert (0 < a * (a + Rabs g)) by (apply Rmult_lt_0_compat; lra).
  destruct (Req_EM_T a 0); [lra|]. destruct (Req_EM_T v 0); [lra|].
  rewrite !ratio_div by lra. rewrite R0, <- Fy. unfold g. field. repeat split; try lra. fold g. lra. Qed.

Theorem code_theorem_2_one_constant :
  (var f = 0 -> 0 < var y -> one_minus_pearson m = / 2) /\
  (0 < var f -> var y = 0 -> one_minus_pearson m = / 2) /\
  (var f = 0 -> var y = 0 -> one_minus_pearson m = 0).
Proof. unfold one_minus_pearson. rewrite prediction_variance_is.
  assert (P := prediction_variance_is). unfold prediction_variance, square in P.
  destruct scale_is as [_ Flat].
  destruct moments_are as (_ & _ & _ & E & _ & R0 & _). rewrite E in *.
  assert (RN : 0 <= Moments_var_r m) by (rewrite R0; apply var_ge0).
  assert (QN : 0 <= Moments_scale m * Moments_scale m) by apply Rle_0_sqr.
  pose proof (var_ge0 y) as YN.
  repeat split; intros Hf Hy.
  - assert (Z : 0 <= Moments_scale m * Moments_scale m * var y) by (apply Rmult_le_pos; lra).
    assert (Moments_var_r m = 0) by lra.
    assert (Sl : Moments_scale m = 0).
    { assert (T : Moments_scale m * Moments_scale m * var y = 0) by lra.
      apply Rmult_integral in T. destruct T; [apply Rsqr_0_uniq; auto | lra]. }
    rewrite H, Sl, Hf, sqrt_0, !Rmult_0_l, Rabs_R0, ratio_0. pose proof (sqrt_lt_R0 _ Hy).
    rewrite Rminus_0_r, ratio_0.
    destruct (Req_EM_T 0 0); [|lra]. destruct (Req_EM_T (sqrt (var y)) 0); lra.
  - pose proof (sqrt_lt_R0 _ Hf) as Sf. rewrite Hy, sqrt_0, Rmult_0_r, Rabs_R0, Rplus_0_r, Rminus_0_r.
    rewrite !ratio_div by (try lra; apply Rgt_not_eq, Rmult_lt_0_compat; auto).
    rewrite sqrt_sqrt by lra. replace (Moments_var_r m) with (var f) by (rewrite <- P, Hy; ring).
    destruct (Req_EM_T (sqrt (var f)) 0); [lra|]. destruct (Req_EM_T 0 0); [field; lra|lra].
  - rewrite Hf, Hy, sqrt_0, Rmult_0_r, Rabs_R0, Rplus_0_r, Rmult_0_r, Rminus_0_r, !ratio_0.
    rewrite <- P in Hf. rewrite Hy in Hf. replace (Moments_var_r m) with 0 by lra.
    destruct (Req_EM_T 0 0); lra. Qed.

(* --- 1 - CCC, Lin's concordance correlation coefficient --- *)
Let bias := mean f - mean y.
Lemma concordance_scale_is : concordance_scale m = var f + var y + bias ^ 2.
Proof. unfold concordance_scale, square. rewrite prediction_variance_is.
  destruct moments_are as (_ & -> & _ & -> & _). unfold d, bias. rewrite mean_minus. ring. Qed.
Lemma concordance_numerator_is : error_variance m + square (Moments_mean_d m)
  = concordance_scale m - 2 * cov f y.
Proof. rewrite concordance_scale_is, error_variance_is. unfold square.
  destruct moments_are as (_ & -> & _). unfold d at 2 3. rewrite mean_minus. fold bias.
  assert (X : var d = var f - 2 * cov f y + var y).
  { unfold var, d. rewrite (cov_ext (fun i => f i - y i) (fun i => f i + (-1) * y i)
      (fun i => f i - y i) (fun i => f i + (-1) * y i)) by (intros; ring).
    rewrite cov_plus_l, cov_scal_l, (cov_sym f (fun i => f i + -1 * y i)), (cov_sym y (fun i => f i + -1 * y i)).
    rewrite !cov_plus_l, !cov_scal_l, (cov_sym y f). ring. }
  rewrite X. ring. Qed.
Lemma concordance_numerator_mean : error_variance m + square (Moments_mean_d m)
  = mean (fun i => d i ^ 2).
Proof. rewrite error_variance_is. unfold var, square. rewrite cov_sums.
  destruct moments_are as (_ & -> & _).
  rewrite (mean_ext (fun i => d i ^ 2) (fun i => d i * d i)) by (intros; ring). ring. Qed.

Theorem concordance_is : one_minus_concordance m = ratio (mean (fun i => d i ^ 2)) (var f + var y + bias ^ 2)
  /\ (0 < var f + var y + bias ^ 2 ->
        one_minus_concordance m = 1 - 2 * cov f y / (var f + var y + bias ^ 2))
  /\ (var f + var y + bias ^ 2 = 0 -> one_minus_concordance m = 0)
  /\ 0 <= one_minus_concordance m <= 2.
Proof. unfold one_minus_concordance. rewrite concordance_scale_is at 1.
  pose proof (var_ge0 f) as Pf. pose proof (var_ge0 y) as Py. pose proof (pow2_ge_0 bias) as Pb.
  pose proof concordance_numerator_is as E. pose proof concordance_numerator_mean as Em.
  rewrite concordance_scale_is in *.
  assert (P : 0 <= error_variance m + square (Moments_mean_d m))
    by (rewrite Em; apply mean_ge0; intros; apply pow2_ge_0).
  set (D := var f + var y + bias ^ 2) in *.
  assert (B : - 2 * cov f y <= D).
  { assert (V : 0 <= var (fun i => f i + y i)) by apply var_ge0.
    unfold var in V. rewrite cov_plus_l, (cov_sym f (fun i => f i + y i)), (cov_sym y (fun i => f i + y i)),
      !cov_plus_l, (cov_sym y f) in V. unfold D, var. lra. }
  repeat split.
  - rewrite Em. reflexivity.
  - intros H. rewrite ratio_div, E by lra. field. lra.
  - intros H. rewrite H, ratio_0. unfold D in H. assert (var f = 0) by lra. rewrite E.
    unfold D. rewrite H, cov_sym, (no_cov y f); auto. ring.
  - destruct (Req_dec D 0) as [->|Z]; [rewrite ratio_0; lra|]. rewrite ratio_div by auto.
    apply Rmult_le_pos; auto. left. apply Rinv_0_lt_compat. unfold D in *. lra.
  - destruct (Req_dec D 0) as [Z|Z]; [rewrite Z, ratio_0; lra|]. rewrite ratio_div by auto.
    assert (0 < D) by (unfold D in *; lra). apply Rmult_le_reg_r with D; auto.
    unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra. Qed.
End Code.

(* Shifts change nothing. *)
Theorem shifts_change_nothing f y conventional s :
  code_moments f y conventional s = code_moments f y conventional UNSHIFTED
  /\ forall i, Decomposition_residual (decompose f y mean s) i
       = Decomposition_residual (decompose f y mean UNSHIFTED) i
     /\ Decomposition_label (decompose f y mean s) i = Decomposition_label (decompose f y mean UNSHIFTED) i.
Proof. split.
  - destruct (moments_are f y conventional s) as (A1 & A2 & A3 & A4 & A5 & A6 & A7 & A8 & A9).
    destruct (moments_are f y conventional UNSHIFTED) as (B1 & B2 & B3 & B4 & B5 & B6 & B7 & B8 & B9).
    destruct (code_moments f y conventional s), (code_moments f y conventional UNSHIFTED).
    simpl in *. congruence.
  - intros i. destruct (parts_are f y s) as (_ & _ & _ & _ & _ & _ & P).
    destruct (parts_are f y UNSHIFTED) as (_ & _ & _ & _ & _ & _ & Q').
    destruct (P i) as [-> ->], (Q' i) as [-> ->]. auto. Qed.

(* A part of a batch, relative to the whole, whose means are relative to the shifts. *)
Definition relative (m : Moments) (s : Shifts) := Build_Moments (Moments_weight m)
  (Moments_mean_f m - Shifts_f s) (Moments_mean_d m - Shifts_d s)
  (Moments_mean_y m - Shifts_y s) (Moments_var_y m) (Moments_scale m) (Moments_slope m)
  (Moments_var_r m) (Moments_conventional m).
Theorem part_of_whole f y conventional s i :
  let p := decompose f y mean UNSHIFTED in
  let '(r, label) := residual_and_label f y s (relative (code_moments f y conventional s) s) in
  r i = Decomposition_residual p i /\ label i = Decomposition_label p i.
Proof. intros p. destruct (parts_are f y UNSHIFTED) as (_ & _ & _ & _ & _ & _ & P).
  destruct (P i) as [L R]. unfold p. rewrite L, R.
  destruct (moments_are f y conventional s) as (_ & Ed & Ey & _ & El & _ & Ef & Ec & _).
  unfold residual_and_label, relative, shifted.
  generalize dependent (code_moments f y conventional s). intros m Ed Ey El Ef Ec.
  cbv zeta. cbn -[residual lost]. rewrite Ed, Ey, El, Ef, Ec, nothing_lost.
  split; [|ring]. f_equal; ring. Qed.
End Batch.
