(* Theorem 4 is not vacuous: intervals are connected. And connectedness is needed: without it the
   theorem, as the summary of the paper states it, is false. *)
From Coq Require Import Reals Lra ClassicalDescription.
From Coquelicot Require Import Coquelicot.
From GAR Require Import GradientMatching.
Open Scope R_scope.

Lemma kd (c u : R) : is_derive (fun _ : R => c) u 0.
Proof. apply (is_derive_const (K := R_AbsRing) (V := R_NormedModule)). Qed.

Lemma interval_connected (a b : R) : connected (V := R_NormedModule) (fun x : R => a < x < b).
Proof. intros A B OA OB Cov Dis [x0 [H0 A0]] x Hx.
  destruct (Cov x Hx) as [|Bx]; auto. exfalso.
  set (g := fun u : R => if excluded_middle_informative (A u) then 0 else 1).
  assert (D : forall u, a < u < b -> is_derive g u 0).
  { intros u Hu. destruct (Cov u Hu) as [Au|Bu].
    - apply (is_derive_ext_loc (fun _ => 0)); [|apply kd].
      apply filter_imp with (2 := OA u Au). intros w Aw. unfold g.
      destruct excluded_middle_informative; tauto.
    - apply (is_derive_ext_loc (fun _ => 1)); [|apply kd].
      assert (I : locally u (fun w => a < w < b)).
      { apply (filter_and (F := locally u)). apply (open_gt a u); apply Hu. apply (open_lt b u); apply Hu. }
      apply filter_imp with (2 := filter_and _ _ I (OB u Bu)). intros w [Iw Bw]. unfold g.
      destruct excluded_middle_informative as [Aw|]; auto. elim (Dis w Iw Aw Bw). }
  assert (S : forall t, Rmin x0 x <= t <= Rmax x0 x -> a < t < b).
  { intros t Ht. unfold Rmin, Rmax in Ht. destruct (Rle_dec x0 x); lra. }
  destruct (MVT_gen g x0 x (fun _ => 0)) as [c [_ E]].
  - intros t Ht. apply D, S. lra.
  - intros t Ht. apply continuity_pt_filterlim. apply (ex_derive_continuous g). exists 0. apply D, S; auto.
  - unfold g in E. destruct (excluded_middle_informative (A x)), (excluded_middle_informative (A x0)); try tauto; try lra.
    elim (Dis x Hx a0 Bx). Qed.

(* without connectedness, on (0,1) u (2,3): matching derivatives, different differences *)
Definition two (x : R) := 0 < x < 1 \/ 2 < x < 3.
Definition jump (x : R) := if Rlt_dec x (3/2) then 0 else 1.
Theorem without_connectedness_false :
  ~ (forall f Y : R -> R, (forall x, two x -> is_derive f x (Derive Y x)) -> (forall x, two x -> ex_derive Y x) ->
      forall x z, two x -> two z -> f x - f z = Y x - Y z).
Proof. intros H.
  assert (E : jump (5/2) - jump (1/2) = (fun _ => 0) (5/2) - (fun _ => 0) (1/2)).
  { apply (H jump (fun _ => 0)); try (unfold two; lra).
    - intros x Hx. rewrite Derive_const. destruct Hx as [Hx|Hx].
      + apply (is_derive_ext_loc (fun _ => 0)); [|apply kd].
        apply filter_imp with (2 := open_lt (3/2) x ltac:(lra)). intros w Hw. unfold jump.
        destruct (Rlt_dec w (3/2)); auto. lra.
      + apply (is_derive_ext_loc (fun _ => 1)); [|apply kd].
        apply filter_imp with (2 := open_gt (3/2) x ltac:(lra)). intros w Hw. unfold jump.
        destruct (Rlt_dec w (3/2)); auto. lra.
    - intros x _. apply ex_derive_const. }
  unfold jump in E. destruct (Rlt_dec (5/2) (3/2)); destruct (Rlt_dec (1/2) (3/2)); lra. Qed.

(* The same with derivatives of every order, in all directions: they exist and agree. *)
Lemma iterd_sub (A B : R -> Prop) (f : R -> R) vs g : (forall x, B x -> A x) ->
  iterd (V := R_NormedModule) A f vs g -> iterd (V := R_NormedModule) B f vs g.
Proof. intros S I. induction I. apply it_nil. eapply it_cons; eauto. Qed.

Lemma open_between (a b : R) : open (fun x : R => a < x < b).
Proof. intros x Hx. apply (filter_and (F := locally x)).
  apply (open_gt a x); apply Hx. apply (open_lt b x); apply Hx. Qed.

Lemma jump_on_1 x : 0 < x < 1 -> jump x = 0.
Proof. intros H. unfold jump. destruct (Rlt_dec x (3/2)); lra. Qed.
Lemma jump_on_2 x : 2 < x < 3 -> jump x = 1.
Proof. intros H. unfold jump. destruct (Rlt_dec x (3/2)); lra. Qed.

Lemma ddir_locally_constant (f : R -> R) (v x c a b : R) : a < x < b ->
  (forall u, a < u < b -> f u = c) -> ddir (V := R_NormedModule) f v x 0.
Proof. intros Hx C.
  apply (ddir_shift (V := R_NormedModule) (fun u : R => a < u < b) (open_between a b) f (fun _ => 0) v x 0 c Hx).
  - intros z Hz. rewrite C by auto. ring.
  - unfold ddir. apply kd. Qed.

Definition jump_derivative (vs : list R) : R -> R := match vs with nil => jump | _ => fun _ => 0 end.
Lemma jump_has_derivatives vs : iterd (V := R_NormedModule) two jump vs (jump_derivative vs).
Proof. induction vs as [|v vs IH]. apply it_nil.
  eapply it_cons. exact IH. intros x Hx. destruct vs as [|u us]; simpl.
  - destruct Hx as [Hx|Hx].
    + apply (ddir_locally_constant jump v x 0 0 1 Hx). apply jump_on_1.
    + apply (ddir_locally_constant jump v x 1 2 3 Hx). apply jump_on_2.
  - unfold ddir. apply kd. Qed.

Theorem connectedness_needed :
  exists f Y : R -> R,
    (forall vs, exists g, iterd (V := R_NormedModule) two f vs g)
    /\ (forall vs, exists g, iterd (V := R_NormedModule) two Y vs g)
    /\ (forall vs, vs <> nil -> forall g1 g2, iterd (V := R_NormedModule) two f vs g1 ->
          iterd (V := R_NormedModule) two Y vs g2 -> forall x, two x -> g1 x = g2 x)
    /\ exists x z, two x /\ two z /\ f x - f z <> Y x - Y z.
Proof. exists jump, (fun _ => 0). repeat split.
  - intros vs. exists (jump_derivative vs). apply jump_has_derivatives.
  - intros vs. exists (fun _ => 0). induction vs. apply it_nil.
    eapply it_cons. exact IHvs. intros x _. unfold ddir. apply kd.
  - intros vs Hn g1 g2 I1 I2 x [Hx|Hx].
    + apply (differences_to_gradients (V := R_NormedModule) (fun u : R => 0 < u < 1) (open_between 0 1)
        jump (fun _ => 0)) with (vs := vs); auto.
      * intros u z Hu Hz. rewrite !jump_on_1 by auto. ring.
      * apply iterd_sub with two; auto. intros; left; auto.
      * apply iterd_sub with two; auto. intros; left; auto.
    + apply (differences_to_gradients (V := R_NormedModule) (fun u : R => 2 < u < 3) (open_between 2 3)
        jump (fun _ => 0)) with (vs := vs); auto.
      * intros u z Hu Hz. rewrite !jump_on_2 by auto. ring.
      * apply iterd_sub with two; auto. intros; right; auto.
      * apply iterd_sub with two; auto. intros; right; auto.
  - exists (5/2), (1/2). repeat split; try (unfold two; lra).
    rewrite jump_on_2, jump_on_1 by lra. lra. Qed.
